// A reliable queue: producers and workers on ioredis and on node-redis. BLMOVE takes a job from `jobs` to `processing`,
// where it stays until it is acknowledged; a worker holds it by a claim that runs out. Some workers die with a job in hand,
// some take longer than their claim; a reaper puts back what nobody holds. What a job does and its acknowledgement are one
// transaction, under a WATCH of the claim: so each is done exactly once, whoever else has it.
// usage: node queue.mjs PORT
import assert from 'node:assert/strict';
import Redis from 'ioredis';
import { createClient, WatchError } from 'redis';
import { chunks, done, pause, port, range, say, sleep, until } from './stage.mjs';

const BACKLOG = 6000;
const LIVE = 1500;
const WORKERS = 10;
const CLAIM_MS = 400;
const GRACE_MS = 200;

/** The calls that the queue needs, as an application on ioredis writes them. */
class OnIoredis {
    static name = 'ioredis';

    async open() {
        this.client = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null });
        return this;
    }

    push = (list, jobs) => this.client.lpush(list, ...jobs);
    take = (from, to, seconds) => this.client.blmove(from, to, 'RIGHT', 'LEFT', seconds);
    all = (list) => this.client.lrange(list, 0, -1);
    position = (list, job) => this.client.lpos(list, job);
    get = (key) => this.client.get(key);
    watch = (key) => this.client.watch(key);
    unwatch = () => this.client.unwatch();
    claim = async (key, owner) => (await this.client.set(key, owner, 'PX', CLAIM_MS, 'NX')) === 'OK';

    /** All of these commands, or none where a watched key changed. */
    async exec(commands) {
        return (await this.client.multi(commands).exec()) !== null;
    }

    die = () => this.client.disconnect();
    close = () => this.client.quit();
}

/** The same on node-redis. */
class OnNodeRedis {
    static name = 'node-redis';

    async open() {
        this.client = createClient({ socket: { host: '127.0.0.1', port } });
        await this.client.connect();
        return this;
    }

    push = (list, jobs) => this.client.lPush(list, jobs);
    take = (from, to, seconds) => this.client.blMove(from, to, 'RIGHT', 'LEFT', seconds);
    all = (list) => this.client.lRange(list, 0, -1);
    position = (list, job) => this.client.lPos(list, job);
    get = (key) => this.client.get(key);
    watch = (key) => this.client.watch(key);
    unwatch = () => this.client.unwatch();
    claim = async (key, owner) =>
        (await this.client.set(key, owner, { expiration: { type: 'PX', value: CLAIM_MS }, condition: 'NX' })) === 'OK';

    async exec(commands) {
        const multi = this.client.multi();
        for (const words of commands) {
            multi.addCommand(words.map(String));
        }
        try {
            await multi.exec();
            return true;
        } catch (error) {
            if (error instanceof WatchError) {
                return false;
            }
            throw error;
        }
    }

    die = () => this.client.destroy();
    close = () => this.client.close();
}

const libraries = [OnIoredis, OnNodeRedis];
const job = (id) => JSON.stringify({ id, to: `user${id}@example.org`, text: 'x'.repeat(300) });

// What goes wrong at a job's first try.
const diesUnclaimed = (id) => id % 500 === 3;
const diesClaimed = (id) => id % 500 === 103;
const isSlow = (id) => id % 500 === 203;

const doneBy = { ioredis: 0, 'node-redis': 0 };
const tried = new Set();
const lost = { unclaimed: 0, claimed: 0, late: 0 };
let open = true;
let sessions = 0;

/** Until the queue is closed. @returns whether it came to that; else it died */
async function work(library) {
    const db = await new library().open();
    const owner = `${library.name}:${++sessions}`;
    while (open) {
        const text = await db.take('jobs', 'processing', 1);
        if (text === null) {
            continue;
        }
        const { id } = JSON.parse(text);
        const first = !tried.has(id);
        tried.add(id);
        if (first && diesUnclaimed(id)) {
            lost.unclaimed++;
            db.die();
            return false;
        }
        const claim = `claim:${id}`;
        if (!(await db.claim(claim, owner))) {
            continue;
        }
        if (first && diesClaimed(id)) {
            lost.claimed++;
            db.die();
            return false;
        }
        if (first && isSlow(id)) {
            await sleep(2 * CLAIM_MS);
        }
        await db.watch(claim);
        const mine = (await db.get(claim)) === owner && (await db.position('processing', text)) !== null;
        if (!mine) {
            await db.unwatch();
            lost.late += first && isSlow(id);
            continue;
        }
        const counted = await db.exec([
            ['lrem', 'processing', 1, text],
            ['hincrby', 'handled', id, 1],
            ['incr', 'handled:count'],
            ['del', claim],
        ]);
        doneBy[library.name] += counted;
    }
    await db.close();
    return true;
}

/** A worker of one library; where it dies, one of the other takes its place. */
async function staff(n) {
    while (!(await work(libraries[n % 2]))) {
        n++;
    }
}

async function reap(db) {
    const seen = new Map();
    while (open) {
        const now = performance.now();
        const held = await db.all('processing');
        for (const text of seen.keys()) {
            if (!held.includes(text)) {
                seen.delete(text);
            }
        }
        for (const text of held) {
            const claim = `claim:${JSON.parse(text).id}`;
            if ((await db.get(claim)) !== null) {
                seen.delete(text);
            } else if (!seen.has(text)) {
                seen.set(text, now);
            } else if (now - seen.get(text) > GRACE_MS) {
                seen.delete(text);
                await db.watch(claim);
                if ((await db.get(claim)) === null && (await db.position('processing', text)) !== null) {
                    await db.exec([
                        ['lrem', 'processing', 1, text],
                        ['rpush', 'jobs', text],
                    ]);
                } else {
                    await db.unwatch();
                }
            }
        }
        await sleep(50);
    }
    await db.close();
}

async function produce(library, from, to) {
    const db = await new library().open();
    for (const ids of chunks(range(from, to), 20)) {
        await db.push('jobs', ids.map(job));
    }
    await db.close();
}

const db = await new Redis({ host: '127.0.0.1', port });

// A backlog, by three producers.
const third = BACKLOG / 3;
await Promise.all([0, 1, 2].map((i) => produce(libraries[i % 2], i * third, (i + 1) * third)));
say('backlog', await db.llen('jobs'));
await pause();

// Workers take it up while more comes.
const staffed = Promise.all(Array.from(range(0, WORKERS), staff));
const reaper = reap(await new OnNodeRedis().open());
const half = LIVE / 2;
await Promise.all([0, 1].map((i) => produce(libraries[i], BACKLOG + i * half, BACKLOG + (i + 1) * half)));
await until(() => db.get('handled:count'), (count) => Number(count) >= BACKLOG / 2);
await pause();

await until(() => db.get('handled:count'), (count) => Number(count) >= BACKLOG + LIVE);
open = false;
await staffed;
await reaper;
await pause();

const handled = await db.hgetall('handled');
const ids = Object.keys(handled).map(Number).sort((a, b) => a - b);
assert.deepEqual(ids, Array.from(range(0, BACKLOG + LIVE)));
say('times each was handled', [...new Set(Object.values(handled))]);
say('handled', [await db.hlen('handled'), Number(await db.get('handled:count'))]);
say('left', [await db.llen('jobs'), await db.llen('processing')]);
say('died or came too late', lost);
assert.equal(doneBy.ioredis + doneBy['node-redis'], BACKLOG + LIVE);
assert.ok(doneBy.ioredis > 0 && doneBy['node-redis'] > 0, JSON.stringify(doneBy));
await db.quit();
done();
