# --env=KEY words: the values come another way (contract, section 4, row "docker options").
s/=.*//
s/^/--env=/
$!s/$/ /
