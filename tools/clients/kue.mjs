// Kue, unmodified: jobs with priorities, retries, delays and logs. It keeps them in hashes and sorted sets, and its workers
// wait by BLPOP. What it does over pub/sub and scripts (events of single jobs, watchStuckJobs) is not used.
// usage: node kue.mjs PORT
import assert from 'node:assert/strict';
import kue from 'kue';
import { promisify } from 'node:util';
import { done, pause, port, range, say, until } from './stage.mjs';

const MAILS = 1500;
const queue = kue.createQueue({ prefix: 'q', redis: { host: '127.0.0.1', port } });
queue.on('error', (error) => {
    throw error;
});
const count = (state, type) => promisify(queue.card.bind(queue))(type ? `${type}:${state}` : state);
const save = (job) => promisify(job.save.bind(job))();
const get = promisify(kue.Job.get);
const log = promisify(kue.Job.log);
const byType = promisify(kue.Job.rangeByType);

const priorities = ['low', 'normal', 'medium', 'high', 'critical'];
const ids = [];
for (const i of range(0, MAILS)) {
    const job = queue.create('mail', { title: `mail ${i}`, to: `user${i}`, text: 'x'.repeat(500) });
    await save(job.priority(priorities[i % priorities.length]));
    ids.push(job.id);
}
for (const i of range(0, 60)) {
    const job = queue.create('flaky', { title: `flaky ${i}` }).attempts(3);
    await save(i % 3 === 0 ? job.delay(100 + i) : job);
}
await save(queue.create('hopeless', { title: 'hopeless' }).attempts(2));
say('waiting', [await count('inactive', 'mail'), await count('inactive'), await count('delayed')]);
const first = await byType('mail', 'inactive', 0, 4, 'asc');
say('first in line', first.map((job) => [job.data.title, Number(job.priority())]));
await pause();

const times = new Map();
queue.process('mail', 8, (job, ctx, end) => {
    times.set(job.id, (times.get(job.id) ?? 0) + 1);
    job.log('sent to %s', job.data.to);
    job.progress(1, 2);
    end(null, { sent: job.data.to });
});
let runs = 0;
queue.process('flaky', 2, (job, ctx, end) => {
    runs++;
    end((Number(job._attempts) || 0) < 1 ? new Error('not yet') : null);
});
queue.process('hopeless', (job, ctx, end) => end(new Error('never')));
await until(() => count('complete'), (n) => n >= MAILS / 2);
await pause();
await until(() => count('complete'), (n) => n === MAILS + 60);
await until(() => count('failed'), (n) => n === 1);
await pause();

say('sent', [times.size, [...new Set(times.values())]]);
say('runs of flaky ones', runs);
const states = ['inactive', 'active', 'delayed', 'failed', 'complete'];
const counts = [];
for (const state of states) {
    counts.push([state, await count(state)]);
}
say('states', counts);
for (const i of [0, MAILS - 1]) {
    const job = await get(ids[i]);
    say(`job ${i}`, [job.type, job.data.title, job.state(), job.result, job.progress(), await log(job.id)]);
}
const failed = await byType('hopeless', 'failed', 0, -1, 'asc');
assert.match(failed[0].error(), /never/);
say('failed', failed.map((job) => job.data.title));
say('types', (await promisify(queue.types.bind(queue))()).sort());
for (const job of await byType('mail', 'complete', 0, 99, 'asc')) {
    await promisify(job.remove.bind(job))();
}
say('after 100 were removed', [await count('complete'), await count('complete', 'mail')]);
await promisify(queue.shutdown.bind(queue))(5000);
done();
process.exit();
