# One KEY="VALUE" line a record, as a dotenv file has it.
s/[\\"!$`]/\\&/g
s/\n/\\n/g
s/\r/\\r/g
s/=/="/
s/$/"/
$!s/$/\n/
