# KEY='VALUE' words for a shell.
s/'/'\\''/g
s/=/='/
s/$/'/
$!s/$/ /
