"""A desk phone with a key that has a lamp: liblinphone, with this script for its keyboard and display.

    desk_phone.py HOUSE USER PASSWORD REGISTRAR FOLDER SCHEMA

HOUSE is the address it lives at, REGISTRAR an address with its port, FOLDER where its sound files are (tone.wav, and heard.wav
when it has talked), SCHEMA the XML schema every lamp's news have to fit. Reads orders from its input, a line each:

    watch NUMBER     subscribe to what that phone is doing (RFC 4235)
    pick             answer what rings there: INVITE with Replaces (RFC 3891)
    pick early       the same, and only as long as it rings
    hangup           end its call
    quit             leave

and says on its output what happens.
"""
import ctypes as c
import ctypes.util
import glob
import queue
import sys
import threading
import time
import xml.etree.ElementTree as tree

HOUSE, USER, PASSWORD, REGISTRAR, FOLDER, SCHEMA = sys.argv[1:7]
NS = "{urn:ietf:params:xml:ns:dialog-info}"
TEXT, ANY, NUMBER = c.c_char_p, c.c_void_p, c.c_int


def library(name):
    found = ctypes.util.find_library(name) or sorted(glob.glob(f"/usr/lib/*/lib{name}.so.*"))[0]
    return c.CDLL(found)


linphone, xml = library("linphone"), library("xml2")


def of(lib, name, result, *arguments):
    """A function of a library, with its types."""
    function = getattr(lib, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


def say(*words):
    print(*words, flush=True)


# ---- the schema -----------------------------------------------------------------------------------------------------
parser = of(xml, "xmlSchemaNewParserCtxt", ANY, TEXT)(SCHEMA.encode())
schema = of(xml, "xmlSchemaParse", ANY, ANY)(parser)
assert schema, "the schema cannot be read"
read_document = of(xml, "xmlReadMemory", ANY, TEXT, NUMBER, TEXT, TEXT, NUMBER)
free_document = of(xml, "xmlFreeDoc", None, ANY)
new_check = of(xml, "xmlSchemaNewValidCtxt", ANY, ANY)
check = of(xml, "xmlSchemaValidateDoc", NUMBER, ANY, ANY)


def is_valid(text):
    document = read_document(text, len(text), b"dialog-info.xml", None, 0)
    if not document:
        return False
    verdict = check(new_check(schema), document)
    free_document(document)
    return verdict == 0


# ---- the phone ------------------------------------------------------------------------------------------------------
factory = of(linphone, "linphone_factory_get", ANY)()
config = f"{FOLDER}/linphonerc"
core = of(linphone, "linphone_factory_create_core_3", ANY, ANY, TEXT, TEXT, ANY)(factory, config.encode(), None, None)
callbacks = of(linphone, "linphone_factory_create_core_cbs", ANY, ANY)(factory)
address = of(linphone, "linphone_factory_create_address", ANY, ANY, TEXT)
text_of = of(linphone, "linphone_content_get_utf8_text", TEXT, ANY)
ringing = {}


@c.CFUNCTYPE(None, ANY, ANY, TEXT, ANY)
def notified(_core, _event, package, content):
    text = text_of(content) if content else b""
    if package != b"dialog" or not text:
        return
    say("lamp", "valid" if is_valid(text) else "INVALID", text.decode().replace("\r\n", " "))
    root = tree.fromstring(text)
    ringing.clear()
    for dialog in root.findall(f"{NS}dialog"):
        state, remote = dialog.find(f"{NS}state").text, dialog.find(f"{NS}remote/{NS}target").get("uri")
        if state == "early" and dialog.get("remote-tag"):
            ringing.update(dialog.attrib, uri=remote)
        say("lamp shows", state, remote)
    if root.find(f"{NS}dialog") is None:
        say("lamp shows nothing")


@c.CFUNCTYPE(None, ANY, ANY, NUMBER)
def subscribed(_core, _event, state):
    say("subscription", state)


@c.CFUNCTYPE(None, ANY, ANY, NUMBER, TEXT)
def changed(_core, _call, state, message):
    say("call", state, message.decode())


@c.CFUNCTYPE(None, ANY, ANY, NUMBER, TEXT)
def registered(_core, _proxy, state, message):
    say("registration", state, message.decode())


of(linphone, "linphone_core_cbs_set_notify_received", None, ANY, ANY)(callbacks, notified)
of(linphone, "linphone_core_cbs_set_subscription_state_changed", None, ANY, ANY)(callbacks, subscribed)
of(linphone, "linphone_core_cbs_set_call_state_changed", None, ANY, ANY)(callbacks, changed)
of(linphone, "linphone_core_cbs_set_registration_state_changed", None, ANY, ANY)(callbacks, registered)
of(linphone, "linphone_core_add_callbacks", None, ANY, ANY)(core, callbacks)

of(linphone, "linphone_core_set_use_files", None, ANY, NUMBER)(core, 1)
of(linphone, "linphone_core_set_play_file", None, ANY, TEXT)(core, f"{FOLDER}/tone.wav".encode())
of(linphone, "linphone_core_set_record_file", None, ANY, TEXT)(core, f"{FOLDER}/heard.wav".encode())

us = f"sip:{USER}@{REGISTRAR}"
auth = of(linphone, "linphone_auth_info_new", ANY, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT)
auth = auth(USER.encode(), None, PASSWORD.encode(), None, None, None)
of(linphone, "linphone_core_add_auth_info", None, ANY, ANY)(core, auth)
proxy = of(linphone, "linphone_core_create_proxy_config", ANY, ANY)(core)
of(linphone, "linphone_proxy_config_set_identity_address", NUMBER, ANY, ANY)(proxy, address(factory, us.encode()))
of(linphone, "linphone_proxy_config_set_server_addr", NUMBER, ANY, TEXT)(proxy, f"sip:{REGISTRAR}".encode())
of(linphone, "linphone_proxy_config_enable_register", None, ANY, NUMBER)(proxy, 1)
of(linphone, "linphone_core_add_proxy_config", NUMBER, ANY, ANY)(core, proxy)
of(linphone, "linphone_core_set_default_proxy_config", None, ANY, ANY)(core, proxy)
of(linphone, "linphone_core_start", NUMBER, ANY)(core)


def watch(number):
    target = address(factory, f"sip:{number}@{REGISTRAR}".encode())
    of(linphone, "linphone_core_subscribe", ANY, ANY, ANY, TEXT, NUMBER, ANY)(core, target, b"dialog", 600, None)


def pick(only_early=""):
    """What the key does: the names of the call as the lamp told them, `to-tag` the box's own."""
    replaces = f"{ringing['call-id']};to-tag={ringing['remote-tag']};from-tag={ringing['local-tag']}"
    replaces += ";early-only" if only_early else ""
    params = of(linphone, "linphone_core_create_call_params", ANY, ANY, ANY)(core, None)
    header = of(linphone, "linphone_call_params_add_custom_header", None, ANY, TEXT, TEXT)
    header(params, b"Replaces", replaces.encode())
    user = ringing["uri"].partition(":")[2].partition("@")[0]
    target = address(factory, f"sip:{user}@{REGISTRAR}".encode())
    of(linphone, "linphone_core_invite_address_with_params", ANY, ANY, ANY, ANY)(core, target, params)


def hangup():
    of(linphone, "linphone_core_terminate_all_calls", NUMBER, ANY)(core)


orders = queue.Queue()


def read_orders():
    for line in sys.stdin:
        orders.put(line.split())
    orders.put(["quit"])


threading.Thread(target=read_orders, daemon=True).start()
iterate = of(linphone, "linphone_core_iterate", None, ANY)
while True:
    iterate(core)
    try:
        order, *rest = orders.get(timeout=0.02)
    except queue.Empty:
        continue
    if order == "quit":
        break
    {"watch": watch, "pick": pick, "hangup": hangup}[order](*rest)
of(linphone, "linphone_core_stop", None, ANY)(core)
