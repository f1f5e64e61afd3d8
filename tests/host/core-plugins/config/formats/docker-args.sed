# --env=KEY='VALUE' words for a shell.
s/'/'\\''/g
s/=/='/
s/^/--env=/
s/$/'/
$!s/$/ /
