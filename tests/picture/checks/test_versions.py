"""What a check's key holds of what looks at the picture."""

from __future__ import annotations

import subprocess
import sys

from imagebuild.picture.checks.versions import versions_for

COPY = {"language": "de-DE", "texts": [], "allowed": []}


def test_only_what_these_checks_look_with_is_in_their_key():
    assert list(versions_for({"file": {}, "palette": {}, "duplicates": {}})) == ["checking"]
    assert "uharfbuzz" in versions_for({"contrast": {}, "typeset": []})
    assert "reading" in versions_for({"text": {}, "copy": COPY})
    assert "uharfbuzz" not in versions_for({"text": {}, "copy": COPY})
    assert "pillow" not in versions_for({"palette": {}})


def test_asking_for_a_file_checks_versions_loads_no_picture_library():
    code = (
        "import sys\n"
        "from imagebuild.picture.checks.versions import versions_for\n"
        "versions_for({'file': {}})\n"
        "sys.exit('PIL.Image' in sys.modules or 'uharfbuzz._harfbuzz' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
