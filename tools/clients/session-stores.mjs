// Session stores of web applications, unmodified: express-session on connect-redis, which keeps a session in a string, and
// redis-sessions, which keeps it in a hash, and who has one in sorted sets and sets.
// usage: node session-stores.mjs PORT
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createClient } from 'redis';
import { chunks, done, pause, port, range, say } from './stage.mjs';

const { default: RedisSessions } = createRequire(import.meta.url)('redis-sessions');

// A web application: a cart in the session, login and logout.
const client = await createClient({ socket: { host: '127.0.0.1', port } }).connect();
const store = new RedisStore({ client, prefix: 'app:', ttl: 3600 });
const app = express();
app.use(session({ store, secret: 'a secret of the test', resave: false, saveUninitialized: false }));
app.get('/login/:name', (request, response) => {
    request.session.name = request.params.name;
    request.session.cart = [];
    response.json('hello');
});
app.get('/buy/:what', (request, response) => {
    request.session.cart?.push(request.params.what);
    response.json({ name: request.session.name ?? null, cart: request.session.cart ?? null });
});
app.get('/logout', (request, response) => request.session.destroy(() => response.json('bye')));
const web = app.listen(0, '127.0.0.1');
await once(web, 'listening');

/** A browser: keeps its cookie. */
class Browser {
    async get(path) {
        const response = await fetch(`http://127.0.0.1:${web.address().port}${path}`, { headers: this.cookie ? { cookie: this.cookie } : {} });
        this.cookie = response.headers.get('set-cookie')?.split(';')[0] ?? this.cookie;
        return response.json();
    }
}

const browsers = Array.from(range(0, 300), () => new Browser());
await Promise.all(browsers.map((browser, i) => browser.get(`/login/user${i}`)));
say('logged in', await store.length());
await pause();
for (const what of ['book', 'lamp', 'pen']) {
    await Promise.all(browsers.map((browser) => browser.get(`/buy/${what}`)));
    await pause();
}
say('carts', await Promise.all(browsers.slice(0, 5).map((browser) => browser.get('/buy/cup'))));
const sessions = await store.all();
say('all', sessions.map(({ name, cart }) => `${name} ${cart}`).sort());
const ttls = await Promise.all((await store.ids()).map((id) => client.ttl(`app:${id}`)));
say('times to live are in order', ttls.every((ttl) => ttl > 3500 && ttl <= 3600));
await Promise.all(browsers.slice(0, 100).map((browser) => browser.get('/logout')));
say('after logouts', [await store.length(), await browsers[0].get('/buy/nothing'), await browsers[200].get('/buy/hat')]);
await store.clear();
say('cleared', await store.length());
web.closeAllConnections();
web.close();

// The other library: sessions of applications and users, activity, and counts.
const rs = new RedisSessions({ host: '127.0.0.1', port, wipe: 0 });
const tokens = [];
for (const some of chunks(range(0, 4000), 100)) {
    const made = await Promise.all(
        some.map((i) => rs.create({ app: 'forum', id: `user${i % 1000}`, ip: '10.0.0.1', ttl: 3600, d: { n: i, text: 'x'.repeat(200) } })),
    );
    tokens.push(...made.map(({ token }) => token));
}
await pause();
const what = ({ id, r, w, ttl, ip, d }) => ({ id, r, w, ttl, ip, d });
say('active', await rs.activity({ app: 'forum', deltaTime: 600 }));
say('session', what(await rs.get({ app: 'forum', token: tokens[1234] })));
say('changed', what(await rs.set({ app: 'forum', token: tokens[1234], d: { text: null, more: true } })));
say('read again', what(await rs.get({ app: 'forum', token: tokens[1234] })));
say('unknown', await rs.get({ app: 'forum', token: 'x'.repeat(64) }));
const mine = await rs.soid({ app: 'forum', id: 'user77' });
say('of a user', mine.sessions.map((s) => s.d.n).sort((a, b) => a - b));
say('of the application', (await rs.soapp({ app: 'forum', deltaTime: 600 })).sessions.length);
let found = 0;
for (const some of chunks(tokens, 100)) {
    const got = await Promise.all(some.map((token) => rs.get({ app: 'forum', token })));
    found += got.filter((s) => s.ip === '10.0.0.1').length;
}
say('found', found);
await pause();
say('killed', [
    await rs.kill({ app: 'forum', token: tokens[5] }),
    await rs.kill({ app: 'forum', token: tokens[5] }),
    await rs.killsoid({ app: 'forum', id: 'user77' }),
]);
say('left of the user', (await rs.soid({ app: 'forum', id: 'user77' })).sessions);
say('all killed', await rs.killall({ app: 'forum' }));
say('active', await rs.activity({ app: 'forum', deltaTime: 600 }));
say('keys', await client.dbSize());
await rs.quit();
await client.close();
done();
process.exit();
