"""Columns, genres and splits of `movielens_joint`."""

GENRES = (
    "unknown",
    "action",
    "adventure",
    "animation",
    "children",
    "comedy",
    "crime",
    "documentary",
    "drama",
    "fantasy",
    "film_noir",
    "horror",
    "musical",
    "mystery",
    "romance",
    "sci_fi",
    "thriller",
    "war",
    "western",
)
GENRE_COLUMNS = tuple(f"is_{genre}" for genre in GENRES)
USER_COLUMNS = ("user", "age", "gender", "occupation")
ITEM_COLUMNS = ("item", "released", *GENRE_COLUMNS)
COLUMNS = (*USER_COLUMNS, *ITEM_COLUMNS)
# The ids of users and films in the data: 1 to these.
NUM_USERS, NUM_ITEMS = 943, 1682
NUM_FOLDS = 5
