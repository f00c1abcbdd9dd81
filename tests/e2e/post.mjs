// A post office: takes messages by SMTP, keeps them in a box for each address, hands them out by POP3.

import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { createTransport } from 'nodemailer';
import { SMTPServer } from 'smtp-server';

/** Opens it. */
export async function open() {
  const boxes = new Map();
  const box = (address) => {
    if (!boxes.has(address)) boxes.set(address, []);
    return boxes.get(address);
  };
  const smtp = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    async onData(stream, { envelope }, done) {
      const parts = [];
      for await (const part of stream) parts.push(part);
      for (const { address } of envelope.rcptTo) box(address).push(Buffer.concat(parts));
      done();
    },
  });
  const pop3 = createServer((socket) => serve(socket, box));
  const port = (server) =>
    new Promise((resolve) => {
      const listener = server.listen(0, '127.0.0.1', () => resolve(listener.address().port));
    });
  const [taking, giving] = [await port(smtp), await port(pop3)];
  const sender = createTransport({ host: '127.0.0.1', port: taking, pool: true, ignoreTLS: true, maxMessages: Infinity });
  return {
    /** Its ports. */
    smtp: taking,
    pop3: giving,
    /** The messages of an address that it holds, each as it came. */
    box,
    /** Sends a message as the senders of mailings do, its HTML with a text beside it. */
    send: (message) => sender.sendMail({ textEncoding: 'quoted-printable', ...message }),
    async close() {
      sender.close();
      await Promise.all([smtp, pop3].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** The HTML of a message that [`open`]'s `send` made. */
export function htmlOf(message) {
  const [, part] = /\r\nContent-Type: text\/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n([^]*?)\r\n--/.exec(message);
  const bytes = part.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\r\n', '\n');
}

/** A session of POP3 (RFC 1939): the user is an address, any password will do. */
async function serve(socket, box) {
  const say = (...lines) => socket.write(`${lines.join('\r\n')}\r\n`, 'latin1');
  socket.on('error', () => {});
  say('+OK');
  let mine = [];
  let messages = [];
  const size = (number) => `${number} ${messages[number - 1].length}`;
  const each = (line) => ['+OK', ...messages.map((_, at) => line(at + 1)), '.'];
  const taken = new Set();
  const answers = {
    CAPA: () => ['+OK', 'USER', 'UIDL', '.'],
    USER: (address) => ((mine = box(address)), (messages = [...mine]), ['+OK']),
    PASS: () => ['+OK'],
    STAT: () => [`+OK ${messages.length} ${messages.reduce((sum, { length }) => sum + length, 0)}`],
    LIST: (number) => (number ? [`+OK ${size(number)}`] : each(size)),
    UIDL: () => each((number) => `${number} ${createHash('sha256').update(messages[number - 1]).digest('hex')}`),
    RETR: (number) => ['+OK', ...stuffed(messages[number - 1]), '.'],
    DELE: (number) => (taken.add(messages[number - 1]), ['+OK']),
    QUIT: () => (mine.splice(0, mine.length, ...mine.filter((message) => !taken.has(message))), ['+OK']),
  };
  for await (const line of createInterface({ input: socket })) {
    const [name, argument] = line.split(' ');
    const answer = answers[name.toUpperCase()];
    say(...(answer ? answer(argument) : ['-ERR']));
    if (name.toUpperCase() === 'QUIT') socket.end();
  }
}

/** A message's lines, none of which ends it. */
const stuffed = (message) =>
  message
    .toString('latin1')
    .replace(/\r\n$/, '')
    .split('\r\n')
    .map((line) => (line.startsWith('.') ? `.${line}` : line));
