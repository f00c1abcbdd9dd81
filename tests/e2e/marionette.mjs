// Marionette, by which Gecko's programs are driven: commands as JSON with their length before them.

import { connect as open } from 'node:net';

/** Longer than a script may run in the program. */
const ANSWER_MS = 60_000;

/** The buttons of a mouse: the first. */
const PRESS = [
  { type: 'pointerDown', button: 0 },
  { type: 'pointerUp', button: 0 },
];

/** The messages in what a socket says, as they become whole. */
async function* messages(socket) {
  let held = Buffer.alloc(0);
  for await (const part of socket) {
    held = Buffer.concat([held, part]);
    for (;;) {
      const begin = held.indexOf(':') + 1;
      const end = begin + Number(held.subarray(0, begin - 1));
      if (begin === 0 || held.length < end) break;
      yield JSON.parse(held.subarray(begin, end));
      held = held.subarray(end);
    }
  }
}

/** A session in the program's own windows, at a port of this machine. No certificate is refused. */
export async function connect(port) {
  const socket = open(port, '127.0.0.1');
  const incoming = messages(socket);
  await incoming.next();
  const waiting = [];
  const reading = (async () => {
    for await (const [, , error, result] of incoming) {
      const { resolve, reject } = waiting.shift();
      if (error) reject(new Error(`${error.error}: ${error.message}\n${error.stacktrace}`));
      else resolve(result?.value === undefined ? result : result.value);
    }
  })();
  let over = false;
  const gone = ({ reject }) => reject(new Error('the program has ended'));
  const ended = reading.catch(() => {}).then(() => ((over = true), waiting.splice(0).forEach(gone)));

  let number = 0;
  /** One at a time, and answered in turn. */
  const ask = (name, parameters = {}) =>
    new Promise((resolve, reject) => {
      if (over) return gone({ reject });
      const late = setTimeout(() => reject(new Error(`${name} is not answered`)), ANSWER_MS);
      const settled = (settle) => (it) => (clearTimeout(late), settle(it));
      waiting.push({ resolve: settled(resolve), reject: settled(reject) });
      const text = JSON.stringify([0, (number += 1), name, parameters]);
      socket.write(`${Buffer.byteLength(text)}:${text}`);
    });
  const element = async (selector) =>
    Object.values(await ask('WebDriver:FindElement', { using: 'css selector', value: selector }))[0];

  await ask('WebDriver:NewSession', { acceptInsecureCerts: true });
  await ask('Marionette:SetContext', { value: 'chrome' });
  return {
    /** What a script says that runs in the program. */
    run: (script, ...args) => ask('WebDriver:ExecuteScript', { script, args }),
    /** Presses the mouse at a point of the window. */
    press(x, y) {
      const move = { type: 'pointerMove', x: Math.round(x), y: Math.round(y), origin: 'viewport' };
      const mouse = { type: 'pointer', id: 'mouse', parameters: { pointerType: 'mouse' } };
      return ask('WebDriver:PerformActions', { actions: [{ ...mouse, actions: [move, ...PRESS] }] });
    },
    /** Presses an element of the window, or types into it. */
    click: async (selector) => ask('WebDriver:ElementClick', { id: await element(selector) }),
    type: async (selector, text) => ask('WebDriver:ElementSendKeys', { id: await element(selector), text }),
    /** What a prompt says, if there is one. */
    prompt: () => ask('WebDriver:GetAlertText').catch(() => null),
    dismiss: () => ask('WebDriver:DismissAlert'),
    windows: () => ask('WebDriver:GetWindowHandles'),
    turnTo: (handle) => ask('WebDriver:SwitchToWindow', { handle }),
    async close() {
      socket.destroy();
      await ended;
    },
  };
}
