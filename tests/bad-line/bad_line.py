#!/usr/bin/env python3
"""Two real phones and the box with a bad network between them: lost, late, doubled and overtaking packets, SIP and voice.

  sudo tests/bad-line/bad_line.py [--box target/release/callpost] [--seconds 20] [--loss 5] [--jitter 60] ...

The phones (baresip) live in one network namespace, the box in another; between them are two TUN devices and this program,
because not every kernel has netem. Both namespaces are its own and gone when it ends. It prints what was measured, and ends
with 1 when the box lost a packet, a call did not come about, or a recording is not what was said. Needs root.
"""
import argparse, ctypes, fcntl, heapq, json, math, os, random, select, shutil, signal, socket, struct, subprocess, sys
import tempfile, threading, time, urllib.request, wave

BOX, PHONES = "10.98.7.2", "10.98.7.1"
CALLER_HZ, AGENT_HZ = 440, 1000
TOKEN = "a-token-for-tests-only"
libc = ctypes.CDLL(None, use_errno=True)


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--box", default="target/release/callpost")
    ap.add_argument("--calls", type=int, default=1)
    for key, usual in [("seconds", 20), ("loss", 5), ("delay", 60), ("jitter", 60), ("reorder", 5), ("dup", 1)]:
        ap.add_argument("--" + key, type=float, default=usual)
    return ap.parse_args()


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


class Namespace:
    """A network of its own, with one way out."""

    def __init__(self, name):
        self.name = f"callpost-{name}-{os.getpid()}"
        run("ip", "netns", "add", self.name)
        self.file = os.open(f"/var/run/netns/{self.name}", os.O_RDONLY)

    def __enter__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        assert libc.setns(self.file, 0x40000000) == 0

    def __exit__(self, *_):
        assert libc.setns(self.home, 0x40000000) == 0
        os.close(self.home)

    def tun(self, address):
        with self:
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, 0x400454CA, struct.pack("16sH", b"line", 0x1001))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
            run("ip", "link", "set", "lo", "up")
            run("ip", "addr", "add", address + "/24", "dev", "line")
            run("ip", "link", "set", "line", "up", "txqueuelen", "10000")
        return device

    def start(self, words, log, **more):
        out = open(log, "w")
        words = ["ip", "netns", "exec", self.name, *words]
        return subprocess.Popen(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL, **more)

    def remove(self):
        os.close(self.file)
        subprocess.run(["ip", "netns", "del", self.name])


class Line(threading.Thread):
    """What is between two devices."""

    def __init__(self, one, other, how):
        super().__init__(daemon=True)
        self.ends, self.how, self.over = (one, other), how, False
        self.count = {"in": 0, "lost": 0, "doubled": 0, "overtaking": 0}

    def run(self):
        dice, way, number = random.Random(1), [], 0
        while not self.over:
            now = time.monotonic()
            while way and way[0][0] <= now:
                _, _, end, packet = heapq.heappop(way)
                try:
                    os.write(end, packet)
                except OSError:
                    pass
            wait = min(0.05, max(0.0, way[0][0] - now)) if way else 0.05
            for end in select.select(self.ends, [], [], wait)[0]:
                try:
                    packet = os.read(end, 70000)
                except BlockingIOError:
                    continue
                self.count["in"] += 1
                if dice.random() < self.how.loss / 100:
                    self.count["lost"] += 1
                    continue
                late = (self.how.delay + dice.uniform(-self.how.jitter, self.how.jitter)) / 1000
                if dice.random() < self.how.reorder / 100:
                    self.count["overtaking"] += 1
                    late = 0
                due, to = time.monotonic() + max(0.0, late), self.ends[1] if end == self.ends[0] else self.ends[0]
                number += 1
                heapq.heappush(way, (due, number, to, packet))
                if dice.random() < self.how.dup / 100:
                    self.count["doubled"] += 1
                    number += 1
                    heapq.heappush(way, (due + 0.001, number, to, packet))


def until(what, seconds, wanted):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = wanted()
        if found:
            return found
        time.sleep(0.1)
    raise SystemExit(f"in {seconds} s it did not happen that {what}")


class Box:
    def __init__(self, network, folder, program):
        self.network, self.folder = network, folder
        with open(folder + "/callpost.toml", "w") as out:
            out.write(
                f"""[site]\nname="line"\ntimezone="UTC"\ncountry="SA"\n[sip]\nlisten=["udp://{BOX}:5060"]\nrealm="callpost"
[media]\nrtp_ports=[10000, 10099]\n[http]\nlisten="127.0.0.1:8080"\n[recording]\nenabled=true
[[trunk]]\nname="pbx"\nhost="{PHONES}"\ntransport="udp"\nport=5070\nallow=["{PHONES}/32"]
[[agent]]\nid="ali"\nname="Ali"\ncontact="sip:ali@{PHONES}:5080"\n[[number]]\nmatch="8001"\nagent="ali"\n"""
            )
        environment = dict(os.environ, CALLPOST_ADMIN_TOKEN=TOKEN)
        words = [program, "run", "--config", folder + "/callpost.toml", "--data-dir", folder + "/data"]
        self.process = network.start(words, folder + "/log", cwd=folder, env=environment)
        until("the box serves calls", 20, lambda: self.get("/health"))

    def get(self, path):
        request = urllib.request.Request("http://127.0.0.1:8080" + path, headers={"Authorization": "Bearer " + TOKEN})
        try:
            with self.network:
                return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5).read()
        except OSError:
            return None

    def records(self):
        return json.loads(self.get("/api/v1/cdrs?limit=200") or "{}").get("items", [])


class Phone:
    def __init__(self, network, folder, user, port, hertz, answers):
        self.folder = folder
        os.makedirs(folder + "/sounds")
        with wave.open(folder + "/tone.wav", "wb") as out:
            out.setparams((1, 2, 8000, 0, "NONE", ""))
            hum = (int(8000 * math.sin(2 * math.pi * hertz * place / 8000)) for place in range(8000 * 60))
            out.writeframes(b"".join(struct.pack("<h", sample) for sample in hum))
        modules = next(at for at in ("/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules") if os.path.isdir(at))
        settings = f"sip_listen {PHONES}:{port}\nnet_interface {PHONES}\nrtp_ports {port * 2}-{port * 2 + 50}\n"
        settings += f"ctrl_tcp_listen {PHONES}:{port + 1000}\nmodule_path {modules}\n"
        settings += "".join(f"module {name}.so\n" for name in ("g711", "aufile", "aubridge", "sndfile"))
        settings += "module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\nstatmode_default off\n"
        settings += f"snd_path {folder}/sounds\naudio_source aufile,{folder}/tone.wav\n"
        settings += "audio_player aubridge,sink\naudio_alert aubridge,alert\n"
        account = f"<sip:{user}@{BOX}>;regint=0;answermode={'auto' if answers else 'manual'};audio_codecs=PCMU/8000/1\n"
        for name, text in (("config", settings), ("accounts", account), ("contacts", "")):
            with open(f"{folder}/{name}", "w") as out:
                out.write(text)
        self.process = network.start(["baresip", "-f", folder], folder + "/log")

        def control():
            try:
                with network:
                    return socket.create_connection((PHONES, port + 1000), 1)
            except OSError:
                return None

        self.control = until(f"{user} takes orders", 20, control)

    def order(self, command, parameters=""):
        message = json.dumps({"command": command, "params": parameters})
        self.control.sendall(f"{len(message)}:{message},".encode())


def heard(samples, hertz):
    """Seconds in which a tone is the loudest thing, in steps of 20 ms."""
    steps = 0
    for start in range(0, len(samples) - 160, 160):
        piece = samples[start : start + 160]
        power = sum(sample * sample for sample in piece)
        real = sum(sample * math.cos(2 * math.pi * hertz * place / 8000) for place, sample in enumerate(piece))
        other = sum(sample * math.sin(2 * math.pi * hertz * place / 8000) for place, sample in enumerate(piece))
        steps += power > 160 * 500**2 and (real * real + other * other) * 2 / 160 > 0.5 * power
    return steps * 0.02


def channels(audio):
    """The channels of a µ-law WAV file."""
    data = audio[audio.index(b"data") + 8 :]
    both = [[], []]
    for place, byte in enumerate(data):
        byte = ~byte & 0xFF
        size = (((byte & 0x0F) << 3) + 0x84 << (byte >> 4 & 7)) - 0x84
        both[place % 2].append(-size if byte & 0x80 else size)
    return both


def judge(box, record, how):
    """What is wrong with a call; prints what was measured."""
    wrong = []
    legs = [leg["quality"] or {} for leg in record["legs"]]
    for name, leg in zip(("caller", "agent"), legs):
        print(f"  {name}: " + ", ".join(f"{key} {leg.get(key)}" for key in (
            "packets_received", "packets_lost", "loss_percent", "burst_packets", "jitter_ms", "rtt_ms", "mos")))
    if record["status"] != "ANSWER":
        return [f"the call ended as {record['status']}"]
    for one, other in (0, 1), (1, 0):
        ours = legs[one]["packets_received"] - legs[other]["packets_sent"]
        # The first and the last come before and after the two are together.
        if not -5 <= ours <= 5 + legs[one]["packets_received"] * how.dup / 50:
            wrong.append(f"{ours} packets of {one} are missing at {other}")
        if abs(legs[one]["loss_percent"] - how.loss) > 3 + how.loss / 2:
            wrong.append(f"{legs[one]['loss_percent']} % lost where the line loses {how.loss} %")
    both = channels(box.get(f"/api/v1/recordings/{record['recording']['id']}"))
    long = len(both[0]) / 8000
    print(f"  recording: {long:.2f} s of {record['talk_ms'] / 1000:.2f} s of talk")
    if abs(long - record["talk_ms"] / 1000) > 0.3:
        wrong.append("the recording is not as long as the talk")
    for samples, hertz in zip(both, (CALLER_HZ, AGENT_HZ)):
        share = heard(samples, hertz) / long
        print(f"  {hertz} Hz in {100 * share:.1f} % of it")
        if share < 0.97 - 1.5 * how.loss / 100 - 0.5 / how.seconds:
            wrong.append(f"{hertz} Hz is in {100 * share:.1f} % of the recording")
    return wrong


def main():
    how = arguments()
    if os.getuid() != 0:
        print("skipped: network namespaces need root")
        return 0
    if not os.path.exists("/dev/net/tun") or not shutil.which("baresip"):
        print("skipped: there is no /dev/net/tun, or no baresip (tests/peers/setup-peers.sh baresip)")
        return 0
    folder, started, networks, wrong = tempfile.mkdtemp(prefix="callpost-line-"), [], [], []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        phones = Namespace("phones")
        networks.append(phones)
        boxes = Namespace("box")
        networks.append(boxes)
        line = Line(phones.tun(PHONES), boxes.tun(BOX), how)
        line.start()
        os.makedirs(folder + "/box")
        box = Box(boxes, folder + "/box", os.path.abspath(how.box))
        started.append(box.process)
        agent = Phone(phones, folder + "/agent", "ali", 5080, AGENT_HZ, True)
        started.append(agent.process)
        caller = Phone(phones, folder + "/caller", "0501234567", 5070, CALLER_HZ, False)
        started.append(caller.process)
        for number in range(how.calls):
            before = len(box.records())
            caller.order("dial", f"sip:8001@{BOX}")
            time.sleep(how.seconds)
            caller.order("hangup")
            records = until("the call is on record", 60, lambda: (lambda all: len(all) > before and all)(box.records()))
            print(f"call {number + 1}:")
            wrong += judge(box, records[-1], how)
        print("line: " + ", ".join(f"{count} {name}" for name, count in line.count.items()))
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        for network in networks:
            network.remove()
        if wrong:
            print(f"logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for trouble in wrong:
        print("WRONG: " + trouble)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
