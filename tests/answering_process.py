"""A Python process that answers one request after another, for tests.

Importing TensorFlow takes longer than most of what is asked of it.
"""

import pickle
import subprocess
import sys
import tempfile

# Whatever the code prints goes to the errors: the pipe is for answers alone.
_LOOP = """
import os, pickle, sys, traceback

_pipe = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
{code}
while True:
    try:
        _request = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    try:
        _answer = True, answer(*_request)
    except BaseException:
        _answer = False, traceback.format_exc()
    pickle.dump(_answer, _pipe)
    _pipe.flush()
"""


class AnsweringProcess:
    """Runs Python code that defines `answer`, and calls it from here.

    Args:
        code: String. Its function `answer` gets what this object is called
            with, and returns what the call does; both are pickled.
        *arguments: Strings, the process's `sys.argv[1:]`.
    """

    def __init__(self, code, *arguments):
        # A folder of its own: the process finds nothing to import there.
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOOP.format(code=code), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._folder.name,
        )

    def __call__(self, *request):
        pickle.dump(request, self._process.stdin)
        self._process.stdin.flush()
        is_answered, answer = pickle.load(self._process.stdout)
        if not is_answered:
            raise RuntimeError(answer)
        return answer
