"""What a direction byte says of a cell: where its score came from, and which gaps that leave it are not new."""

DIAGONAL, ALONG_TARGET, ALONG_QUERY, START, ALONG_TARGET_2, ALONG_QUERY_2 = range(6)
"""Where the score came from, the low three bits; lanes, which have no second piece, need the low two."""

SOURCE = 7

TARGET_GAP_GOES_ON, QUERY_GAP_GOES_ON, TARGET_GAP_2_GOES_ON, QUERY_GAP_2_GOES_ON = 8, 16, 32, 64
"""The gap that leaves this cell is one that already was open when it came in."""

HALF_SOURCE, HALF_TARGET_GAP_GOES_ON, HALF_QUERY_GAP_GOES_ON = 3, 4, 8
"""The same in half a byte: lanes keep two columns in one."""
