"""The rules of the tree: style, words, pages, the list of threats."""
