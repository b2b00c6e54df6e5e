// A session store, a rate limiter, a cache, a scan and large values, as applications write them.
// usage: node program.mjs redis|ioredis PORT 2|3|default
// Prints "ok" and the number of checks, or the failed check.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

const [library, port, protocol] = process.argv.slice(2);
let checks = 0;
const same = (actual, expected, what) => {
    assert.deepEqual(actual, expected, what);
    checks++;
};
const holds = (condition, what) => {
    assert.ok(condition, what);
    checks++;
};

/** Both libraries behind the few calls that the program needs; everything else goes through call(). */
async function open() {
    if (library === 'redis') {
        const { createClient, RESP_TYPES } = await import('redis');
        const options = { socket: { host: '127.0.0.1', port: Number(port) } };
        if (protocol !== 'default') {
            options.RESP = Number(protocol);
        }
        const client = createClient(options);
        client.on('error', (error) => {
            throw error;
        });
        await client.connect();
        const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
        return {
            call: (...words) => client.sendCommand(words.map((word) => (Buffer.isBuffer(word) ? word : String(word)))),
            get: (key) => client.get(key),
            getBuffer: (key) => binary.get(key),
            pipeline: (commands) =>
                Promise.all(commands.map((words) => client.sendCommand(words.map(String)))),
            scan: async (match, count) => {
                const keys = [];
                for await (const page of client.scanIterator({ MATCH: match, COUNT: count })) {
                    keys.push(...[page].flat());
                }
                return keys;
            },
            close: () => client.close(),
        };
    }
    const { default: Redis } = await import('ioredis');
    const options = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: 1 };
    if (protocol !== 'default') {
        options.protocol = Number(protocol);
    }
    const client = new Redis(options);
    client.on('error', (error) => {
        throw error;
    });
    return {
        call: (command, ...words) => client.call(command, ...words),
        get: (key) => client.get(key),
        getBuffer: (key) => client.getBuffer(key),
        pipeline: async (commands) => {
            const results = await client.pipeline(commands.map(([name, ...rest]) => [name.toLowerCase(), ...rest])).exec();
            return results.map(([error, value]) => {
                if (error) {
                    throw error;
                }
                return value;
            });
        },
        scan: async (match, count) => {
            const keys = [];
            for await (const page of client.scanStream({ match, count })) {
                keys.push(...page);
            }
            return keys;
        },
        close: () => client.quit(),
    };
}

const db = await open();

// Session store.
for (let i = 0; i < 100; i++) {
    await db.call('SET', `session:${i}`, JSON.stringify({ user: i }), 'EX', 1800);
}
same(JSON.parse(await db.get('session:42')), { user: 42 }, 'session');
same(await db.call('GETEX', 'session:42', 'EX', 3600), '{"user":42}', 'GETEX');
holds((await db.call('TTL', 'session:42')) > 3590, 'TTL');
same(await db.call('SET', 'session:42', 'x', 'NX'), null, 'SET NX');
same(await db.call('SET', 'session:42', 'y', 'XX', 'KEEPTTL', 'GET'), '{"user":42}', 'SET GET');
same(await db.call('GETDEL', 'session:42'), 'y', 'GETDEL');
same(await db.get('session:42'), null, 'deleted');

// Rate limiter, all at once.
const counts = await Promise.all(Array.from({ length: 200 }, () => db.call('INCR', 'limit')));
same(counts.map(Number).sort((a, b) => a - b), Array.from({ length: 200 }, (_, i) => i + 1), 'INCR');
same(Number(await db.call('EXPIRE', 'limit', 60, 'NX')), 1, 'EXPIRE NX');
same(Number(await db.call('EXPIRE', 'limit', 60, 'NX')), 0, 'EXPIRE NX again');

// Cache aside.
same(await db.call('MGET', 'user:1', 'user:2'), [null, null], 'MGET of nothing');
same(await db.call('MSET', 'user:1', 'Ada', 'user:2', 'Bob'), 'OK', 'MSET');
same(await db.call('MGET', 'user:1', 'user:2', 'user:3'), ['Ada', 'Bob', null], 'MGET');
same(String(await db.call('INCRBYFLOAT', 'price', '10.5')), '10.5', 'INCRBYFLOAT');
same(Number(await db.call('COPY', 'user:1', 'user:4')), 1, 'COPY');
same(await db.call('RENAME', 'user:4', 'user:5'), 'OK', 'RENAME');
await assert.rejects(db.call('INCR', 'user:5'), /ERR value is not an integer or out of range/);
checks++;

// Pipeline and scan.
const replies = await db.pipeline(Array.from({ length: 3000 }, (_, i) => ['SET', `scan:${i}`, `v${i}`]));
same(replies.every((reply) => reply === 'OK'), true, 'pipeline');
same(new Set(await db.scan('scan:*', 250)).size, 3000, 'SCAN');

// Binary and large values.
for (const size of [0, 1, 65536, 65537, 1 << 20, 20 << 20]) {
    const value = randomBytes(size);
    same(String(await db.call('SET', 'blob', value)), 'OK', `SET of ${size} bytes`);
    const back = await db.getBuffer('blob');
    holds(value.equals(back), `GET of ${size} bytes`);
}
same(Number(await db.call('STRLEN', 'blob')), 20 << 20, 'STRLEN');
same(Number(await db.call('UNLINK', 'blob')), 1, 'UNLINK');

// Connection and server.
same(await db.call('CLIENT', 'SETNAME', 'worker'), 'OK', 'CLIENT SETNAME');
same(await db.call('CLIENT', 'GETNAME'), 'worker', 'CLIENT GETNAME');
holds(String(await db.call('CLIENT', 'INFO')).includes('name=worker'), 'CLIENT INFO');
holds(String(await db.call('INFO')).includes('redis_version:7.2.4'), 'INFO');
const databases = await db.call('CONFIG', 'GET', 'databases');
same([databases].flat().length > 0 && JSON.stringify(databases).includes('16'), true, 'CONFIG GET');
holds(Number(await db.call('COMMAND', 'COUNT')) > 60, 'COMMAND COUNT');
same(await db.call('ECHO', 'grüße'), 'grüße', 'ECHO');
same(await db.call('SELECT', '1'), 'OK', 'SELECT');
same(Number(await db.call('DBSIZE')), 0, 'DBSIZE');

await db.close();
console.log(`ok ${checks}`);
