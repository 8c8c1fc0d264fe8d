"""An SMTP server (aiosmtpd, from Debian) that keeps what it takes as files, and is as difficult as it is told to be.

mail_server.py FOLDER PORT plain|starttls|tls [--login USER:PASSWORD] [--greylist N] [--refuse]
Certificates are FOLDER/cert.pem and FOLDER/key.pem; mails become FOLDER/mail-N.eml.
"""
import asyncio, pathlib, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

folder, port, mode = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
options = dict(zip(sys.argv[4::1], sys.argv[5::1]))
greylist, refuses = int(options.get("--greylist", 0)), "--refuse" in sys.argv
login = options.get("--login")


class Handler:
    def __init__(self):
        self.put_off = 0
        self.taken = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if refuses:
            return "550 5.1.1 nobody of this name"
        if self.put_off < greylist:
            self.put_off += 1
            (folder / "put-off").write_text(str(self.put_off))
            return "451 4.7.1 greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken += 1
        secret = session.ssl is not None or mode == "tls"
        head = f"X-Secret: {secret}\nX-To: {','.join(envelope.rcpt_tos)}\n".encode()
        draft = folder / "draft"
        draft.write_bytes(head + envelope.content)
        draft.rename(folder / f"mail-{self.taken}.eml")
        return "250 taken"


def check(server, session, envelope, mechanism, auth):
    given = f"{auth.login.decode()}:{auth.password.decode()}"
    return AuthResult(success=given == login)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made


async def serve():
    handler = Handler()

    def connection():
        return SMTP(
            handler,
            tls_context=context() if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            authenticator=check if login else None,
            auth_required=bool(login),
            auth_require_tls=False,
            hostname="mail.test",
        )

    secret = context() if mode == "tls" else None
    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", port, ssl=secret)
    async with server:
        await server.serve_forever()


asyncio.run(serve())
