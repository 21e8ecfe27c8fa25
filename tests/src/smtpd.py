"""A real SMTP server for tests: aiosmtpd, with what Python's own mail parser made of each mail.

Chosen before postfix and opensmtpd because it needs no root, no system-wide configuration and no queue, and yet speaks AUTH,
STARTTLS and TLS by a code base of its own. Arguments: a folder and a JSON object with `security` (none, starttls, tls),
`certificate` and `key` (files), `login` (name and password, or null). Prints its port.

In the folder: `mails` gets one JSON line per mail. `refuse`, while it is there, is answered to DATA; `hang` keeps DATA waiting.
A recipient whose address begins with `gone` does not exist.
"""

import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder = pathlib.Path(sys.argv[1])
options = json.loads(sys.argv[2])


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith('gone'):
            return f'550 5.1.1 {address}: no such user'
        envelope.rcpt_tos.append(address)
        return '250 2.1.5 OK'

    async def handle_DATA(self, server, session, envelope):
        with open(folder / 'tries', 'a') as tries:
            tries.write('.')
        if (folder / 'hang').exists():
            await asyncio.sleep(60)
        try:
            return (folder / 'refuse').read_text()
        except FileNotFoundError:
            pass
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = lambda name: None if mail[name] is None else str(mail[name])
        line = {
            'mail_from': envelope.mail_from,
            'rcpt_to': envelope.rcpt_tos,
            'tls': session.ssl is not None or options['security'] == 'tls',
            'login': session.login_data.decode() if getattr(session, 'login_data', None) else None,
            'headers': {name: text(name) for name in mail.keys()},
            'defects': [str(defect) for defect in mail.defects],
            'text': mail.get_content(),
        }
        with open(folder / 'mails', 'a') as mails:
            mails.write(json.dumps(line) + '\n')
        return '250 2.0.0 OK: queued as 42'


def authenticate(server, session, envelope, mechanism, data):
    good = [data.login.decode(), data.password.decode()] == options['login']
    if good:
        session.login_data = data.login
    return AuthResult(success=good, handled=False, auth_data=data.login if good else None)


async def main():
    context = None
    if options['security'] != 'none':
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options['certificate'], options['key'])
    starttls = options['security'] == 'starttls'
    loop = asyncio.get_running_loop()

    def session():
        return SMTP(
            Handler(),
            loop=loop,
            tls_context=context if starttls else None,
            require_starttls=starttls,
            authenticator=authenticate if options['login'] else None,
            auth_required=options['login'] is not None,
            auth_require_tls=starttls,
        )

    server = await loop.create_server(session, '127.0.0.1', 0, ssl=None if starttls else context)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Gone with the test that started it, however that ends.
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
