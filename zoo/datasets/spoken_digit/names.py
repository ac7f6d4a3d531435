"""The classes of `spoken_digit_speaker`."""

COMMANDS = tuple("0123456789")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
