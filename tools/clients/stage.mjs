// What the programs over collections share. Each takes PORT, and says what it finds in lines that are the same on each
// server that does the same. By hand: node NAME.mjs PORT </dev/null
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';

const DEADLINE_MS = 150_000;

export const port = Number(process.argv[2]);
assert.ok(port > 0, `usage: node ${process.argv[1]} PORT`);

const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();

setTimeout(() => {
    console.log(`not done after ${DEADLINE_MS} ms`);
    process.exit(1);
}, DEADLINE_MS).unref();

export const say = (what, value) => console.log(`${what}: ${JSON.stringify(value)}`);

/** Between two parts: whoever started the program does something to the server, and then says a line. */
export async function pause() {
    console.log('pause');
    await lines.next();
}

/** The last line, after all connections were closed. */
export function done() {
    console.log('done');
    input.close();
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until the answer is as wanted: for what takes its time. */
export async function until(question, wanted) {
    for (;;) {
        const answer = await question();
        if (wanted(answer)) {
            return answer;
        }
        await sleep(20);
    }
}

/** The same numbers in each run: xorshift, 0 to bound - 1. */
export function numbers(seed) {
    let state = seed;
    return (bound) => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) % bound;
    };
}

export function* range(from, to) {
    for (let i = from; i < to; i++) {
        yield i;
    }
}

/** So many at a time. */
export function* chunks(items, size) {
    let chunk = [];
    for (const item of items) {
        chunk.push(item);
        if (chunk.length === size) {
            yield chunk;
            chunk = [];
        }
    }
    if (chunk.length > 0) {
        yield chunk;
    }
}
