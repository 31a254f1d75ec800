#!/bin/sh
# Put this program into ~/.local (or into $PREFIX), with an entry in the menu of the desktop;
# `./install.sh --remove` takes it away again. It touches no ledger and needs no rights.
set -eu

say() { # say ENGLISH CHINESE
    case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
        zh*) echo "$2" ;;
        *) echo "$1" ;;
    esac
}

here=$(cd "$(dirname "$0")" && pwd)
prefix=${PREFIX:-$HOME/.local}
program=$prefix/lib/commonweal
entry=$prefix/share/applications/commonweal.desktop
icon=$prefix/share/icons/hicolor/scalable/apps/commonweal.svg

# A program that runs cannot be opened for writing, and it loads its modules from that file.
if [ -e "$program/weal" ] && ! (: >>"$program/weal") 2>/dev/null; then
    say "commonweal: your node or page is running. Type 'weal down', then this again." \
        "commonweal：您的节点或页面正在运行。请先输入 weal down，再重新运行本命令。" >&2
    exit 1
fi

rm -rf "$program"
rm -f "$prefix/bin/weal" "$entry" "$icon"
if [ "${1:-}" = --remove ]; then
    say "The program is gone. Your ledger is still here." "程序已移除。您的账本仍在原处。"
    exit 0
fi

mkdir -p "$program" "$prefix/bin" "${entry%/*}" "${icon%/*}"
cp -R "$here/weal" "$here/_internal" "$program"
ln -s "$program/weal" "$prefix/bin/weal"
cp "$here/_internal/commonweal/web/assets/mark.svg" "$icon"
sed "s|@WEAL@|$program/weal|; s|@ICON@|$icon|" "$here/commonweal.desktop" >"$entry"

case :$PATH: in
    *:"$prefix/bin":*) weal=weal ;;
    *) weal=$prefix/bin/weal ;;
esac
say "Installed. Type '$weal open', or choose Commonweal in the menu of your desktop." \
    "已安装。请输入 $weal open，或在桌面菜单中选择“共益”。"
