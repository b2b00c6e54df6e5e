// Sessions as hashes whose fields expire each by itself: what a session knows lives for hours, its CSRF token for minutes,
// a one-time code for seconds. One web server is on node-redis, the other on ioredis.
// usage: node sessions.mjs PORT
import assert from 'node:assert/strict';
import Redis from 'ioredis';
import { createClient } from 'redis';
import { chunks, done, pause, port, range, say, until } from './stage.mjs';

const SESSIONS = 8000;
const ONLINE = 30_000;
const one = await createClient({ socket: { host: '127.0.0.1', port } }).connect();
const other = new Redis({ host: '127.0.0.1', port });
const key = (i) => `session:${String(i).padStart(6, '0')}`;

/** Seconds that are left, as they were given: the clock goes on a little meanwhile. */
const left = (seconds, given) => (seconds > given - 60 && seconds <= given ? given : seconds);

// Logins at both servers.
for (const some of chunks(range(0, SESSIONS), 200)) {
    await Promise.all(
        some.map(async (i) => {
            const fields = { user: `user${i}`, name: `Name of ${i}`, cart: JSON.stringify({ items: ['a'.repeat(100 + (i % 300))] }) };
            if (i % 2 === 0) {
                await one.hSet(key(i), fields);
                await one.expire(key(i), 7200);
                await one.hSetEx(key(i), { csrf: `token${i}` }, { expiration: { type: 'EX', value: 900 } });
            } else {
                await other.hset(key(i), fields);
                await other.expire(key(i), 7200);
                await other.hsetex(key(i), 'EX', 900, 'FIELDS', 1, 'csrf', `token${i}`);
            }
        }),
    );
}
say('sessions', await one.dbSize());
await pause();

// Requests: each reads the session and slides the token's time; the server that has it is not the one that made it.
for (const i of [0, 1, 777, 778, SESSIONS - 1]) {
    say(key(i), i % 2 === 0 ? await other.hgetall(key(i)) : await one.hGetAll(key(i)));
    const slid =
        i % 2 === 0
            ? await other.hgetex(key(i), 'EX', 1800, 'FIELDS', 2, 'csrf', 'none')
            : await one.hGetEx(key(i), ['csrf', 'none'], { expiration: { type: 'EX', value: 1800 } });
    say('slid', slid);
    const ttls = await other.httl(key(i), 'FIELDS', 3, 'csrf', 'user', 'none');
    say('left', [left(ttls[0], 1800), ttls[1], ttls[2], left(await one.ttl(key(i)), 7200)]);
}
let wrong = 0;
for (const some of chunks(range(0, SESSIONS), 100)) {
    const found = await Promise.all(some.map((i) => (i % 3 === 0 ? one.hmGet(key(i), ['user', 'csrf']) : other.hmget(key(i), 'user', 'csrf'))));
    some.forEach((i, n) => (wrong += found[n][0] !== `user${i}` || found[n][1] !== `token${i}`));
}
say('wrong', wrong);
await pause();

// One-time codes: taken once, whoever comes first.
for (const i of range(0, 50)) {
    say('code set', await one.hSetEx(key(i), { code: `${1000 + i}` }, { expiration: { type: 'EX', value: 300 }, mode: 'FNX' }));
    assert.equal(await one.hSetEx(key(i), { code: 'again' }, { expiration: { type: 'EX', value: 300 }, mode: 'FNX' }), 0);
    const taken = await Promise.all([one.hGetDel(key(i), 'code'), other.hgetdel(key(i), 'FIELDS', 1, 'code')]);
    say('code taken', taken.map(([code]) => code).sort());
}

// When a field's time is over, nobody sees it, and the others stay.
const short = Array.from(range(100, 300));
await Promise.all(short.map((i) => one.hSetEx(key(i), { flash: 'saved' }, { expiration: { type: 'PX', value: 400 } })));
await pause();
for (const i of short) {
    await until(() => other.hexists(key(i), 'flash'), (there) => there === 0);
}
say('flash', [await one.hGet(key(100), 'flash'), await one.hTTL(key(100), ['flash', 'user', 'csrf']).then((t) => [t[0], t[1], left(t[2], 900)])]);
say('fields', Object.keys(await other.hgetall(key(100))).sort());

// Times of fields are changed by rule.
const k = key(500);
say('NX', await one.hExpire(k, ['user', 'csrf'], 1000, 'NX'));
say('XX', await one.hExpire(k, ['name', 'csrf'], 1000, 'XX'));
say('GT', await other.hexpire(k, 2000, 'GT', 'FIELDS', 2, 'user', 'csrf'));
say('LT', await other.hpexpire(k, 100_000, 'LT', 'FIELDS', 2, 'user', 'csrf'));
say('persist', await one.hPersist(k, ['user', 'name', 'none']));
say('at', await other.hexpireat(k, 1, 'FIELDS', 2, 'user', 'none'));
say('what is left', Object.entries(await other.hgetall(k)).sort());
say('counted', [await one.hIncrBy(k, 'hits', 5), await one.hExpire(k, 'hits', 1000), await one.hIncrBy(k, 'hits', 2)]);
say('it keeps its time', left((await one.hTTL(k, 'hits'))[0], 1000));
await one.hSet(k, 'hits', '1');
say('overwritten it has none', await one.hTTL(k, 'hits'));
say('refused', await other.call('HEXPIRE', k, 'soon', 'FIELDS', 1, 'user').catch((error) => error.message));

// Who is online: one large hash, a field each, for a minute.
for (const some of chunks(range(0, ONLINE), 500)) {
    const fields = some.flatMap((i) => [`user${i}`, `page${i % 97}`]);
    await other.hsetex('online', 'EX', 600 + (some[0] % 2), 'FIELDS', some.length, ...fields);
}
await pause();
const seen = new Map();
for await (const page of other.hscanStream('online', { count: 500 })) {
    for (let n = 0; n < page.length; n += 2) {
        seen.set(page[n], page[n + 1]);
    }
}
say('online', [seen.size, await one.hLen('online'), seen.get('user12345'), await one.hGet('online', 'user29999')]);
const there = await other.hpttl('online', 'FIELDS', 4, 'user0', 'user29999', 'nobody', 'user4321');
say('times', there.map((ms) => left(Math.ceil(ms / 1000), 600)));

// Logouts.
say('gone', await one.unlink(Array.from(range(0, 4000), key)));
say('sessions', await one.dbSize());
await one.close();
await other.quit();
done();
