// Thunderbird on a screen that nobody sees, with a person's account in it.
//
//   node tests/e2e/thunderbird.mjs    finds or installs it and what it needs; says nothing when all is well

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { find, provide } from './install.mjs';
import { connect } from './marionette.mjs';
import { until } from './suite.mjs';

/** Its path: HEADCOUNT_THUNDERBIRD, or the first one on the PATH. */
const program = () => process.env.HEADCOUNT_THUNDERBIRD || find('thunderbird');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  provide({ ...(program() ? {} : { thunderbird: 'thunderbird' }), Xvfb: 'xvfb', openssl: 'openssl' });
}

const START_MS = 60_000;
const ENTER = '\uE007';

/** What a person has seen and answered already. */
const SETTLED = {
  'app.donation.eoy.version.viewed': 999,
  'datareporting.policy.dataSubmissionEnabled': false,
  'mail.provider.suppress_dialog_on_startup': true,
  'mail.shell.checkDefaultClient': false,
  'mail.spotlight.firstRunDone': true,
  'mailnews.start_page.enabled': false,
  'marionette.port': 0,
};

/** An account at the post office. */
const account = (address, office) => ({
  'mail.accountmanager.accounts': 'account1,account2',
  'mail.accountmanager.defaultaccount': 'account1',
  'mail.accountmanager.localfoldersserver': 'server2',
  'mail.account.account1.identities': 'id1',
  'mail.account.account1.server': 'server1',
  'mail.account.account2.server': 'server2',
  'mail.identity.id1.fullName': address.split('@')[0],
  'mail.identity.id1.useremail': address,
  'mail.identity.id1.smtpServer': 'smtp1',
  'mail.server.server1.type': 'pop3',
  'mail.server.server1.hostname': '127.0.0.1',
  'mail.server.server1.port': office.pop3,
  'mail.server.server1.userName': address,
  'mail.server.server1.name': address,
  'mail.server.server1.check_new_mail': false,
  'mail.server.server1.login_at_startup': false,
  'mail.server.server2.type': 'none',
  'mail.server.server2.hostname': 'Local Folders',
  'mail.server.server2.name': 'Local Folders',
  'mail.server.server2.userName': 'nobody',
  'mail.smtpservers': 'smtp1',
  'mail.smtpserver.smtp1.hostname': '127.0.0.1',
  'mail.smtpserver.smtp1.port': office.smtp,
  'mail.smtpserver.smtp1.authMethod': 1,
});

/** Everything goes by the line, and nothing past it. */
const online = ({ proxy }) => {
  const [host, port] = [proxy.split(':')[0], Number(proxy.split(':')[1])];
  const of = (kind) => ({ [`network.proxy.${kind}`]: host, [`network.proxy.${kind}_port`]: port });
  return { 'network.proxy.type': 1, ...of('http'), ...of('ssl') };
};

/** Starts it for a person. `line`: into the world; `preferences`: what the person has set. */
export async function start(address, { office, line, preferences = {} }) {
  const home = mkdtempSync(join(tmpdir(), 'headcount-thunderbird-'));
  const profile = join(home, 'profile');
  mkdirSync(profile);
  const all = Object.entries({ ...SETTLED, ...account(address, office), ...online(line), ...preferences });
  const set = ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`;
  writeFileSync(join(profile, 'user.js'), all.map(set).join(''));
  const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home, LANG: 'C.UTF-8' };
  const followed = browse(home);

  const screen = await display();
  const flags = ['--profile', profile, '--no-remote', '--marionette', '--remote-allow-system-access'];
  const child = spawn(program(), flags, {
    env: { ...env, DISPLAY: screen.name },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    screen.kill();
  };
  const abandon = () => {
    kill();
    rmSync(home, { recursive: true, force: true, maxRetries: 10 });
  };
  process.once('exit', abandon);
  const stop = async () => {
    kill();
    await Promise.all([ended, screen.ended]);
    process.off('exit', abandon);
    rmSync(home, { recursive: true, force: true });
  };
  try {
    const listens = () => /Marionette\tINFO\tListening on port (\d+)/.exec(said)?.[1];
    const port = await until('Thunderbird', listens, START_MS);
    return person(await connect(Number(port)), followed, stop);
  } catch (error) {
    await stop();
    throw new Error(said, { cause: error });
  }
}

/** A screen. */
async function display() {
  const flags = ['-displayfd', '3', '-screen', '0', '1280x1000x24', '-nolisten', 'tcp'];
  const child = spawn(find('Xvfb'), flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const number = await new Promise((resolve) => child.stdio[3].once('data', (text) => resolve(String(text).trim())));
  return { name: `:${number}`, ended, kill: () => child.kill('SIGKILL') };
}

/** Makes a program the system's browser, that notes what it is to show. Returns the notes. */
function browse(home) {
  const [notes, program] = [join(home, 'followed'), join(home, 'browser')];
  writeFileSync(notes, '');
  writeFileSync(program, `#!/bin/sh\necho "$1" >> '${notes}'\n`);
  chmodSync(program, 0o755);
  const kinds = ['x-scheme-handler/http', 'x-scheme-handler/https'];
  mkdirSync(join(home, 'applications'));
  writeFileSync(
    join(home, 'applications/browser.desktop'),
    `[Desktop Entry]\nType=Application\nName=Browser\nExec=${program} %u\nMimeType=${kinds.join(';')};\n`,
  );
  const defaults = kinds.map((kind) => `${kind}=browser.desktop\n`).join('');
  writeFileSync(join(home, 'mimeapps.list'), `[Default Applications]\n${defaults}`);
  return () => readFileSync(notes, 'utf8').split('\n').slice(0, -1);
}

/** Runs in Thunderbird: its main window and what is in it. */
function inside() {
  const { MailServices } = ChromeUtils.importESModule('resource:///modules/MailServices.sys.mjs');
  const main = Services.wm.getMostRecentWindow('mail:3pane');
  const panes = main.document.getElementById('tabmail').currentAbout3Pane;
  const message = panes.messageBrowser.contentWindow;
  const shown = message.document.getElementById('messagepane');
  const server = MailServices.accounts.accounts[0].incomingServer;
  const inbox = server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
  const frame = () => new Promise((resolve) => main.requestAnimationFrame(resolve));
  /** The middle of an element in the main window, once it stands still. */
  const place = async (element) => {
    for (let before = ''; ; ) {
      const now = at(element);
      if (String(now) === before) return now;
      before = String(now);
      await frame();
      await frame();
    }
  };
  const at = (element) => {
    const box = element.getBoundingClientRect();
    let [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    for (let view = element.ownerDocument.defaultView; view !== main; ) {
      const outer = view.browsingContext.embedderElement;
      [x, y] = [x + outer.getBoundingClientRect().x, y + outer.getBoundingClientRect().y];
      view = outer.ownerDocument.defaultView;
    }
    return [x, y];
  };
  /** Begins to wait for a message that is shown whole, its images too. */
  const awaitMessage = () => {
    main.shown = new Promise((resolve) => message.addEventListener('MsgLoaded', resolve, { once: true })).then(() => {
      const { contentDocument, contentWindow } = shown;
      if (contentDocument.readyState === 'complete') return true;
      return new Promise((resolve) => contentWindow.addEventListener('load', () => resolve(true), { once: true }));
    });
  };
  return { MailServices, main, panes, message, shown, server, inbox, frame, place, awaitMessage };
}

/** Runs in Thunderbird: where a link of the message is, in sight. */
function link({ shown, place }, selector) {
  const found = shown.contentDocument.querySelector(selector);
  found.scrollIntoView({ block: 'center', behavior: 'instant' });
  return place(found);
}

/** What a person does with it. */
function person(session, followed, stop) {
  const run = (act, ...args) => session.run(`return (${act})((${inside})(), ...arguments)`, ...args);
  const press = async (find, ...args) => session.press(...(await run(find, ...args)));
  return {
    run,
    /** Fetches what has come; how many messages there are. */
    fetch: () =>
      run(
        ({ MailServices, server, inbox, panes }) =>
          new Promise((resolve, reject) => {
            server.password = 'any';
            panes.displayFolder(inbox.URI);
            const listener = {
              QueryInterface: ChromeUtils.generateQI(['nsIUrlListener']),
              OnStartRunningUrl() {},
              OnStopRunningUrl: (_, code) => (code === 0 ? resolve(inbox.getTotalMessages(false)) : reject(new Error(`${code}`))),
            };
            MailServices.pop3.GetNewMail(null, listener, inbox, server);
          }),
      ),
    /** Opens the message of a subject: presses it in the list. */
    async open(subject) {
      await press(async ({ panes, place, awaitMessage, frame }, subject) => {
        const { threadTree: list, gDBView: view } = panes;
        const rows = Array.from({ length: view.rowCount }, (_, row) => row);
        const row = rows.find((row) => view.getMsgHdrAt(row).mime2DecodedSubject === subject);
        list.scrollToIndex(row, true);
        await frame();
        awaitMessage();
        return place(list.getRowAtIndex(row));
      }, subject);
      await run(({ main }) => main.shown);
    },
    /** Whether it says that it shows no images. */
    hidesImages: () => run(({ message }) => !!message.document.querySelector('[value="remoteContent"]')),
    /** Has it show this message's images, or those of all from its sender. */
    async showImages(whose) {
      const menu = 'remoteContentOptions';
      await press(({ message, place }) => place(message.document.querySelector('[value="remoteContent"] button')));
      const open = ({ message }, menu) => message.document.getElementById(menu).state === 'open';
      await until('the menu', () => run(open, menu));
      await run(
        ({ message, awaitMessage }, menu, whose) => {
          const popup = message.document.getElementById(menu);
          const of = { message: '#remoteContentOptionAllowForMsg', sender: '[value*="email="]' };
          awaitMessage();
          popup.activateItem(popup.querySelector(of[whose]));
        },
        menu,
        whose,
      );
      await run(({ main }) => main.shown);
    },
    /** Presses a link of the message; the URL that the system's browser is started with. */
    async follow(selector) {
      const before = followed().length;
      await press(link, selector);
      return until('the browser', () => followed()[before]);
    },
    /** Presses a link of the message of which Thunderbird warns; what it says. Leaves it at that. */
    async doubt(selector) {
      await press(link, selector);
      const said = await until('a warning', session.prompt);
      await session.dismiss();
      return said;
    },
    /** Forwards the message, as its button does it: within the new one. */
    async forward(to) {
      const [main] = await session.windows();
      await press(({ message, place }) => place(message.document.getElementById('hdrForwardButton')));
      const window = await until('the new message', async () => (await session.windows()).find((it) => it !== main));
      await session.turnTo(window);
      const whole = `const text = document.getElementById('messageEditor')?.contentDocument;
        return !!text?.querySelector('.moz-forward-container') && [...text.images].every((image) => image.complete)`;
      await until('its text', () => session.run(whole));
      await session.type('#toAddrInput', to + ENTER);
      await session.click('#button-send');
      await until('it to be sent', async () => (await session.windows()).length === 1);
      await session.turnTo(main);
    },
    /** Where everything in the message stands, but what `selector` says. */
    boxes: (selector) =>
      run(({ shown }, selector) => {
        const all = [...shown.contentDocument.querySelectorAll(`:not(${selector})`)];
        return all.map((it) => [it.localName, JSON.stringify(it.getBoundingClientRect())].join(' '));
      }, selector),
    /** A picture (PNG) of the message, all of it. */
    async picture() {
      const data = await run(async ({ shown, main }) => {
        const { scrollWidth, scrollHeight } = shown.contentDocument.documentElement;
        const of = new DOMRect(0, 0, scrollWidth, scrollHeight);
        const bitmap = await shown.browsingContext.currentWindowGlobal.drawSnapshot(of, 1, 'white');
        const canvas = main.document.createElementNS('http://www.w3.org/1999/xhtml', 'canvas');
        Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
        canvas.getContext('2d').drawImage(bitmap, 0, 0);
        return canvas.toDataURL().split(',')[1];
      });
      return Buffer.from(data, 'base64');
    },
    async stop() {
      await session.close();
      await stop();
    },
  };
}
