"""The classes of `pets3`."""

# As the data set writes them: cats with a capital.
BREEDS = ("Abyssinian", "Bengal", "american_bulldog")
SPECIES = ("cat", "dog")
MASK = ("background", "pet")
