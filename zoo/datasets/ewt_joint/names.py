"""Names of the classes of `ewt_joint`."""

GENRES = ("answers", "email", "newsgroup", "reviews", "weblog")

PARTS_OF_SPEECH = (
    "ADJ",
    "ADP",
    "ADV",
    "AUX",
    "CCONJ",
    "DET",
    "INTJ",
    "NOUN",
    "NUM",
    "PART",
    "PRON",
    "PROPN",
    "PUNCT",
    "SCONJ",
    "SYM",
    "VERB",
    "X",
)

ENTITIES = ("LOC", "ORG", "PER")

# Those that the training split has at least 20 times; the others are one.
OTHER_ROLE = "OTHER"
ROLES = (
    "ARG0",
    "ARG1",
    "ARG2",
    "ARG3",
    "ARG4",
    "ARGM-ADJ",
    "ARGM-ADV",
    "ARGM-CAU",
    "ARGM-COM",
    "ARGM-CXN",
    "ARGM-DIR",
    "ARGM-DIS",
    "ARGM-EXT",
    "ARGM-GOL",
    "ARGM-LOC",
    "ARGM-LVB",
    "ARGM-MNR",
    "ARGM-MOD",
    "ARGM-NEG",
    "ARGM-PRD",
    "ARGM-PRP",
    "ARGM-PRR",
    "ARGM-REC",
    "ARGM-TMP",
    "C-ARG0",
    "C-ARG1",
    "C-ARG2",
    "C-ARGM-CXN",
    OTHER_ROLE,
    "R-ARG0",
    "R-ARG1",
    "R-ARG2",
    "R-ARGM-ADV",
    "R-ARGM-LOC",
    "R-ARGM-TMP",
)


def _tags(kinds):
    return (
        "O",
        *(f"{mark}-{kind}" for kind in kinds for mark in ("B", "I")),
    )


ENTITY_TAGS = _tags(ENTITIES)
ROLE_TAGS = _tags(ROLES)

# Of a word whose features the training split does not have.
OTHER_FEATURES = "OTHER"
RELATIONS = (
    "acl",
    "acl:relcl",
    "advcl",
    "advmod",
    "amod",
    "appos",
    "aux",
    "aux:pass",
    "case",
    "cc",
    "cc:preconj",
    "ccomp",
    "compound",
    "compound:prt",
    "conj",
    "cop",
    "csubj",
    "csubj:pass",
    "dep",
    "det",
    "det:predet",
    "discourse",
    "dislocated",
    "expl",
    "fixed",
    "flat",
    "flat:foreign",
    "goeswith",
    "iobj",
    "list",
    "mark",
    "nmod",
    "nmod:npmod",
    "nmod:poss",
    "nmod:tmod",
    "nsubj",
    "nsubj:pass",
    "nummod",
    "obj",
    "obl",
    "obl:npmod",
    "obl:tmod",
    "orphan",
    "parataxis",
    "punct",
    "reparandum",
    "root",
    "vocative",
    "xcomp",
)
