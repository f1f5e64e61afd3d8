# One `export KEY='VALUE'` per record, for a shell to source.
s/'/'\\''/g
s/=/='/
s/^/export /
s/$/'/
$!s/$/\n/
