# --env=KEY words, without the values (contract, section 4, row "docker options").
s/=.*//
s/^/--env=/
$!s/$/ /
