# One KEY="VALUE" line per record, as in a dotenv file.
s/[\\"!$`]/\\&/g
s/\n/\\n/g
s/\r/\\r/g
s/=/="/
s/$/"/
$!s/$/\n/
