"""What entries say: JSON of any size, kept as it was sent.

A map, in the order in which one file may import another:

- `encoding`  JSON in and out, and what it cannot say
- `pieces`    large JSON text, cut into pieces that a decoder takes soon
- `normal`    what is kept of a JSON value, whatever its size
- `pointing`  places in JSON, as JSON Pointers name them
- `picking`   members of JSON that nobody has checked
- `large`     a large message, read in pieces
- `texts`     the texts of a message, in whatever form
- `words`     what texts are searched by, and what somebody searches for
"""
