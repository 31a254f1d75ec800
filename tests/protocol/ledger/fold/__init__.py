"""Claims about the fold: order, kinds and rejections."""
