"""XML elements with the line they begin at; no entity is ever expanded."""

from xml.etree import ElementTree
from xml.parsers import expat

from zoo.datasets.folders.records import Damage

LINE = "line of the file"


def parse(contents: bytes) -> ElementTree.Element:
    """Parses an XML file.

    Args:
        contents: Bytes.

    Returns:
        `Element` whose `attrib[LINE]` is the line, as that of all below it.

    Raises:
        Damage: If this is not XML, or declares a document type: that is where
            entities come from that expand to gigabytes.
    """
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()

    def start(name, attributes):
        builder.start(name, {**attributes, LINE: parser.CurrentLineNumber})

    def refuse(*_):
        raise Damage(
            "Expected XML without a document type. Received: a DOCTYPE",
            parser.CurrentLineNumber,
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(contents, True)
    except expat.ExpatError as error:
        raise Damage(
            f"Expected an XML file. Received: {expat.ErrorString(error.code)}",
            error.lineno,
        ) from error
    return builder.close()
