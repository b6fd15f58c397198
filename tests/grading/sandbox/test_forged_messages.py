"""Tests of messages that student code forges on its kernel's sockets.

Whoever runs in the kernel holds its ends of the sockets and the key. Whatever they send, the run is
none that the machine is blamed for: the message is taken, dropped, or ends what it stood in.
"""

import json
from dataclasses import replace
from pathlib import Path

import nbformat
import nbformat.v4 as v4
import pytest

from grading.sandbox import execute
from grading.submission import Limits, Run
from tests.grading.sandbox.test_sandbox import MEBIBYTE, SMALL
from tests.sandboxes import skip_without_sandbox

pytestmark = pytest.mark.slow

_LIMITS = replace(SMALL, cell_seconds=10, output_bytes=4 * MEBIBYTE)

# `say` sends a well-signed message, `raw` any frames with a right signature, `frames` anything.
_PREPARE = """
import json, time
from ipykernel.kernelapp import IPKernelApp
kernel = IPKernelApp.instance().kernel
session, iopub = kernel.session, kernel.iopub_socket
shell = kernel.shell_stream
def parent():
    return kernel.get_parent("shell")["header"]
def ident():
    return kernel._shell_parent_ident.get() if hasattr(kernel, "_shell_parent_ident") else []
def say(kind, content, **options):
    options.setdefault("parent", parent())
    session.send(iopub, kind, content, **options)
def reply(kind, content, **options):
    options.setdefault("parent", parent())
    session.send(shell, kind, content, ident=ident(), **options)
def frames(*parts):
    iopub.send_multipart([b"topic", *parts])
def raw(header=None, above=None, metadata=b"{}", content=b"{}", kind="stream", to=None):
    if header is None:
        header = json.dumps(session.msg_header(kind), default=str).encode()
    if above is None:
        above = json.dumps(parent(), default=str).encode()
    parts = [header, above, metadata, content]
    (to or frames)(b"<IDS|MSG>", session.sign(parts), *parts)
def raw_reply(*parts):
    shell.send_multipart([*ident(), *parts])
def count(number):
    return f'{{"execution_count": {number}}}'.encode()
deep = "[" * 600 + "]" * 600
"""

_FORMS = {
    "empty": "iopub.send_multipart([b''])",
    "garbage": "frames(b'garbage', b'more')",
    "only_delimiter": "frames(b'<IDS|MSG>')",
    "no_signature": "frames(b'<IDS|MSG>', b'', b'{}', b'{}', b'{}', b'{}')",
    "wrong_signature": "frames(b'<IDS|MSG>', b'0' * 64, b'{}', b'{}', b'{}', b'{}')",
    "too_few_frames": "frames(b'<IDS|MSG>', session.sign([b'{}', b'{}']), b'{}', b'{}')",
    "replayed": "[frames(b'<IDS|MSG>', session.sign([b'{}'] * 4), *[b'{}'] * 4) for _ in '12']",
    "empty_header": "raw(header=b'{}')",
    "header_a_list": "raw(header=b'[]')",
    "header_null": "raw(header=b'null')",
    "header_of_numbers": 'raw(header=b\'{"msg_id": 1, "msg_type": 2}\')',
    "header_kind_a_list": 'raw(header=b\'{"msg_id": "1", "msg_type": ["status"]}\')',
    "header_with_odd_date": 'raw(header=b\'{"msg_id": "1", "msg_type": "status", '
    '"date": "9999-99-99T99:99:99"}\')',
    "parent_a_list": "raw(above=b'[1]')",
    "parent_null": "raw(above=b'null')",
    "parent_id_a_list": "raw(above=b'{\"msg_id\": [1]}')",
    "not_json": "raw(content=b'{')",
    "not_utf8": "raw(content=b'\"\\xff\\xfe\"')",
    "half_a_character": r"""raw(content=b'{"name": "stdout", "text": "\\ud800"}')""",
    "content_a_list": "raw(content=b'[]')",
    "content_null": "raw(content=b'null')",
    "content_a_text": "raw(content=b'\"text\"')",
    "content_deep": "raw(content=deep.encode())",
    "content_very_deep": "raw(content=('[' * 10**5 + ']' * 10**5).encode())",
    "data_deep": "raw(kind='display_data', content=('{\"metadata\": {}, \"data\": '"
    " '{\"application/json\": ' + deep + '}}').encode())",
    "metadata_deep": 'raw(metadata=deep.encode(), content=b\'{"name": "stdout", "text": ""}\')',
    "5000_digits": "raw(content=count('9' * 5000), kind='execute_input')",
    "4000_digits": "raw(content=count('9' * 4000), kind='execute_input')",
    "nan": 'raw(content=b\'{"data": {"application/json": NaN}, "metadata": {}}\', '
    "kind='display_data')",
    "infinity": "raw(content=b'{\"execution_count\": Infinity}', kind='execute_input')",
    "count_negative": "say('execute_input', {'code': '', 'execution_count': -50})",
    "count_text": "say('execute_input', {'code': '', 'execution_count': 'seven'})",
    "count_true": "say('execute_input', {'code': '', 'execution_count': True})",
    "count_in_a_stream": "say('stream', {'name': 'stdout', 'text': '', 'execution_count': [1]})",
    "count_in_a_status": "say('status', {'execution_state': 'busy', 'execution_count': -1})",
    "state_missing": "say('status', {})",
    "state_a_list": "say('status', {'execution_state': ['idle']})",
    "idle_early": "say('status', {'execution_state': 'idle'})",
    "idle_of_another": "say('status', {'execution_state': 'idle'}, parent={'msg_id': 'x'})",
    "stream_missing": "say('stream', {})",
    "stream_name": "say('stream', {'name': 'stdin', 'text': 'a'})",
    "stream_name_a_list": "say('stream', {'name': ['stdout'], 'text': 'a'})",
    "stream_text_a_number": "say('stream', {'name': 'stdout', 'text': 5})",
    "stream_text_null": "say('stream', {'name': 'stdout', 'text': None})",
    "display_missing": "say('display_data', {})",
    "display_data_a_list": "say('display_data', {'data': [], 'metadata': {}})",
    "display_values": "say('display_data', {'data': {'text/plain': 5, 'image/png': {'a': [1]}}, "
    "'metadata': {}})",
    "display_metadata": "say('display_data', {'data': {}, 'metadata': [1]})",
    "display_id_a_list": "say('display_data', {'data': {}, 'metadata': {}, "
    "'transient': {'display_id': [1]}})",
    "display_id_an_object": "say('display_data', {'data': {}, 'metadata': {}, "
    "'transient': {'display_id': {'a': 1}}})",
    "transient_a_text": "say('display_data', {'data': {}, 'metadata': {}, 'transient': 'a'})",
    "update_unknown": "say('update_display_data', {'data': {}, 'metadata': {}, "
    "'transient': {'display_id': 'unknown'}})",
    "update_without_id": "say('update_display_data', {'data': {}, 'metadata': {}})",
    "result_missing": "say('execute_result', {'data': {'text/plain': '1'}})",
    "result_count": "say('execute_result', {'data': {}, 'metadata': {}, 'execution_count': {}})",
    "error_missing": "say('error', {})",
    "error_types": "say('error', {'ename': 1, 'evalue': [], 'traceback': 'text'})",
    "error_lines": "say('error', {'ename': 'E', 'evalue': 'v', 'traceback': [1, None]})",
    "clear_odd": "say('clear_output', {'wait': [[]]})",
    "clear_missing": "say('clear_output', {})",
    "unknown_kind": "say('launch_missiles', {'a': 1})",
    "shutdown_reply": "say('shutdown_reply', {'restart': True})",
    "comm_missing": "say('comm_open', {})",
    "comm_odd": "say('comm_open', {'comm_id': [], 'target_name': 'jupyter.widget', 'data': {}})",
    "comm_output_widget": "say('comm_open', {'comm_id': 'a', 'target_name': 'jupyter.widget', "
    "'data': {'state': {'_model_module': '@jupyter-widgets/output', "
    "'_model_name': 'OutputModel'}}})",
    "comm_message_odd": "say('comm_msg', {'comm_id': 'a', 'data': {'state': 5, "
    "'buffer_paths': [1]}})",
    "comm_flood": "[say('comm_msg', {'comm_id': str(i), 'data': {'state': {'a': 'b' * 1000}}}) "
    "for i in range(1000)]",
    "reply_missing": "reply('execute_reply', {})",
    "reply_status": "reply('execute_reply', {'status': [1]})",
    "reply_unknown": "reply('execute_reply', {'status': 'maybe'})",
    "reply_early": "reply('execute_reply', {'status': 'ok', 'execution_count': 1})",
    "reply_error_early": "reply('execute_reply', {'status': 'error'})",
    "reply_content_a_list": "raw(kind='execute_reply', content=b'[]', to=raw_reply)",
    "reply_deep": "raw(kind='execute_reply', content=deep.encode(), to=raw_reply)",
    "reply_garbage": "raw_reply(b'garbage')",
    "reply_empty": "raw_reply()",
    "reply_of_another": "reply('execute_reply', {'status': 'ok'}, parent={'msg_id': 'x'})",
    "info_odd": "reply('kernel_info_reply', {'protocol_version': 5})",
    "info_future": "reply('kernel_info_reply', {'protocol_version': '99.0'})",
    "big_and_dropped": "frames(b'a' * 2**20)",
    "many_and_dropped": "[frames(b'a') for _ in range(20000)]",
}


@pytest.fixture(scope="module", autouse=True)
def _sandbox() -> None:
    skip_without_sandbox()


def _run(folder: Path, *sources: str, limits: Limits = _LIMITS) -> Run:
    cells = [v4.new_code_cell(source) for source in (_PREPARE, *sources)]
    return execute(v4.new_notebook(cells=cells), folder, limits=limits)


@pytest.fixture(scope="module")
def forged(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One notebook with all forms: each is followed by a cell that has nothing to do with it."""
    cells = [cell for form in _FORMS.values() for cell in (f"{form};", "print('after')")]
    return _run(tmp_path_factory.mktemp("forms"), *cells)


def test_no_message_breaks_the_run(forged: Run) -> None:
    assert forged.complete
    assert (forged.died, forged.limit, forged.broke) == (None, None, None)
    # What is left is a notebook that every reader can read.
    nbformat.validate(forged.notebook)
    outputs = [cell.outputs for cell in forged.notebook.cells]
    json.dumps(outputs, allow_nan=False, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("name", _FORMS)
def test_the_next_cell_runs_as_ever(forged: Run, name: str) -> None:
    after = 2 + 2 * list(_FORMS).index(name)
    printed = [output.get("text", "") for output in forged.notebook.cells[after].outputs]
    assert "".join(printed) == "after\n"
    assert forged.statuses[after] == "ok"


def test_well_formed_ones_arrive(tmp_path: Path) -> None:
    """What the forms are sent with works."""
    sent = (
        "say('stream', {'name': 'stdout', 'text': 'forged'}); "
        'raw(kind=\'stream\', content=b\'{"name": "stderr", "text": "raw"}\')'
    )
    early = "reply('execute_reply', {'status': 'aborted', 'execution_count': 1}); time.sleep(.2)"
    run = _run(tmp_path, sent, early)
    outputs = {output.name: output.text for output in run.notebook.cells[1].outputs}
    assert outputs == {"stdout": "forged", "stderr": "raw"}
    assert run.statuses[2] == "aborted"


@pytest.mark.parametrize(
    "form",
    [
        "frames(b'a' * 10**5)",
        "say('comm_msg', {'data': 'a' * 10**5})",
        "say('update_display_data', {'data': {'text/plain': 'a'}, 'metadata': {}, "
        "'transient': {'display_id': 'a'}})",
        "say('stream', {'name': 'stdout', 'text': 'a' * 10**5}, parent=parent())",
        "raw_reply(b'a' * 10**5)",
        "frames(b'a' * 10**8)",
        "frames(*[b'a'] * 10**5)",
        "raw(content=b'[' * 10**6 + b']' * 10**6)",
    ],
    ids=["garbage", "comm", "update", "stream", "reply", "large", "frames", "deep"],
)
def test_a_flood_ends_at_a_limit(tmp_path: Path, form: str) -> None:
    limits = replace(_LIMITS, cell_seconds=3, notebook_seconds=20)
    run = _run(tmp_path, "1 + 1", f"while True: {form}", "print('after')", limits=limits)
    assert run.statuses[1] == "ok"
    assert (run.died, run.broke, run.limit_cell) == (None, None, 2)
    assert run.limit in ("output", "cell time", "memory")


@pytest.mark.parametrize(
    "change",
    [
        "session.key = b'another'",
        "session.send = lambda *a, **k: raw(content=b'[]')",
        "iopub.send_multipart = lambda *a, **k: None",
        "kernel.session = None",
    ],
)
def test_a_kernel_that_is_not_understood_ends_at_a_limit(tmp_path: Path, change: str) -> None:
    limits = replace(_LIMITS, cell_seconds=2, notebook_seconds=30)
    run = _run(tmp_path, "1 + 1", change, "print('after')", limits=limits)
    assert run.statuses[1] == "ok"
    assert run.broke is None
    assert run.limit or run.died or run.notebook.cells[3].outputs == []


def test_one_display_in_many_places_counts_as_often(tmp_path: Path) -> None:
    many = """
from IPython.display import display
shown = display('', display_id='a')
for _ in range(999): display('', display_id='a')
shown.update('a' * 10**5)
"""
    run = _run(tmp_path, many, limits=replace(_LIMITS, cell_seconds=60))
    assert (run.limit, run.limit_cell) == ("output", 1)
