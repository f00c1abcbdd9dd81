// The web that mail clients see: a proxy that knows a few hosts by name, and no way out of this machine.

import { execFileSync } from 'node:child_process';
import { createServer as createPlain, request as ask } from 'node:http';
import { createServer } from 'node:https';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes it. `hosts`: what answers for a name, `(request, answer, address)`. Nobody has signed for
 * its names: whoever looks into it must not ask. */
export function world(hosts) {
  const folder = mkdtempSync(join(tmpdir(), 'headcount-world-'));
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name));
  const subject = ['-subj', '/CN=world.example', '-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject], { stdio: 'ignore' });
  const secret = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  const servers = [];
  return {
    /** A line into it, from an address, which may change. It knows what was asked on it. */
    async line(address) {
      const line = { proxy: '', address, asked: [] };
      const answered = async (request, answer) => {
        const url = new URL(request.url, `https://${request.headers.host}`);
        const one = { method: request.method, url: url.href, headers: request.headers, status: 0 };
        line.asked.push(one);
        answer.on('finish', () => Object.assign(one, { status: answer.statusCode, answered: answer.getHeaders() }));
        const host = hosts[url.hostname];
        if (host) await host(request, answer, line.address);
        else answer.writeHead(404).end();
      };
      const secure = createServer(secret, answered);
      const proxy = createPlain(answered).on('connect', (_, socket) => {
        socket.on('error', () => {}).write('HTTP/1.1 200 OK\r\n\r\n');
        secure.emit('connection', socket);
      });
      await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      line.proxy = `127.0.0.1:${proxy.address().port}`;
      servers.push(proxy);
      return line;
    },
    close: () => servers.forEach((server) => server.close().closeAllConnections()),
  };
}

/** A host that is a server of this machine, which is told who asks. */
export const behind = (origin) => (request, answer, address) => {
  const { pathname, search } = new URL(request.url, 'https://any.example');
  const headers = { ...request.headers, 'x-forwarded-for': address };
  const asked = ask(origin + pathname + search, { method: request.method, headers });
  asked.on('error', () => answer.writeHead(502).end());
  asked.on('response', (got) => {
    answer.statusCode = got.statusCode;
    answer.setHeaders(new Map(Object.entries(got.headers)));
    got.pipe(answer);
  });
  request.pipe(asked);
};
