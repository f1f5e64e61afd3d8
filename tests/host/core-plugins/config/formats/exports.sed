# One `export KEY='VALUE'` a record, for a shell to source.
s/'/'\\''/g
s/=/='/
s/^/export /
s/$/'/
$!s/$/\n/
