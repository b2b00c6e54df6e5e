// agoragames-leaderboard, unmodified: ranks, pages, who is around me, merged boards, ties. It keeps each board in a
// sorted set, and what is known of its members in a hash.
// usage: node leaderboard.mjs PORT
import { createRequire } from 'node:module';
import { chunks, done, numbers, pause, port, range, say } from './stage.mjs';

const require = createRequire(import.meta.url);
const Leaderboard = require('agoragames-leaderboard');
const TieRankingLeaderboard = require('agoragames-leaderboard/lib/tie_ranking_leaderboard');
const CompetitionRankingLeaderboard = require('agoragames-leaderboard/lib/competition_ranking_leaderboard');

const PLAYERS = 60_000;
const server = () => ({ host: '127.0.0.1', port });
const random = numbers(20261123);
const player = (i) => `player:${String(i).padStart(6, '0')}`;

/** The library's calls as promises. */
const of = (board) =>
    new Proxy(board, {
        get: (target, name) => (...words) =>
            new Promise((resolve) => target[name](...words, (reply) => resolve(reply))),
    });

const all = new Leaderboard('season', { pageSize: 10 }, server());
const season = of(all);
for (const some of chunks(range(0, PLAYERS), 500)) {
    await season.rankMembers(some.flatMap((i) => [player(i), random(5000)]));
}
say('members', [await season.totalMembers(), await season.totalPages(null)]);
for (const i of range(0, 200)) {
    await season.updateMemberData(player(i), JSON.stringify({ name: `Player ${i}`, country: i % 40 }));
}
await pause();

// The season goes on: everybody's points change while pages are looked at.
const played = Array.from(range(0, 6000), () => [random(PLAYERS), random(400)]);
for (const some of chunks(played, 200)) {
    await Promise.all(some.map(([i, points]) => season.changeScoreFor(player(i), points)));
}
say('leaders', await season.leaders(1, {}));
say('page 3000', await season.leaders(3000, {}));
say('last page', await season.leaders(await season.totalPages(10), {}));
for (const i of [0, 7, PLAYERS - 1]) {
    say(player(i), [
        await season.scoreAndRankFor(player(i)),
        await season.percentileFor(player(i)),
        await season.pageFor(player(i), 10),
    ]);
    say(`around ${player(i)}`, await season.aroundMe(player(i), { pageSize: 5 }));
}
await pause();

say('of a list', await season.rankedInList(Array.from(range(0, 8), player), { withMemberData: true }));
say('nobody', [await season.rankFor('nobody'), await season.checkMember('nobody')]);
say('score range', (await season.membersFromScoreRange(4700, 4710, {})).slice(0, 10));
say('in it', await season.totalMembersInScoreRange(4700, 4710));
say('rank range', await season.membersFromRankRange(31_000, 31_004, {}));
say('at', await season.memberAt(12_345, {}));
say('score of a percentile', await season.scoreForPercentile(75));

// Boards of two weeks, their sum and who is on both.
const weeks = ['week:1', 'week:2'];
const week = of(new Leaderboard('week:1', { pageSize: 10 }, server()));
for (const [n, name] of weeks.entries()) {
    for (const some of chunks(range(n * 5000, n * 5000 + 10_000), 500)) {
        await week.rankMembersIn(name, some.flatMap((i) => [player(i), random(1000)]));
    }
}
await pause();
await week.mergeLeaderboards('weeks', ['week:2'], { aggregate: 'sum' });
say('sum', [await week.totalMembersIn('weeks'), await week.leadersIn('weeks', 1, {})]);
await week.intersectLeaderboards('both', ['week:2'], { aggregate: 'min' });
say('both', [await week.totalMembersIn('both'), await week.leadersIn('both', 1, {})]);
await week.removeMembersInScoreRangeIn('both', 0, 100);
await week.removeMembersOutsideRankIn('weeks', 1000);
say('cut', [await week.totalMembersIn('both'), await week.totalMembersIn('weeks')]);
say('expires', [await week.expireLeaderboardFor('weeks', 1000)]);

// Equal scores: the same rank, with and without gaps behind it.
for (const [name, kind] of [
    ['ties', TieRankingLeaderboard],
    ['competition', CompetitionRankingLeaderboard],
]) {
    const board = new kind(name, { pageSize: 10 }, server());
    const ranked = of(board);
    for (const i of range(0, 3000)) {
        await ranked.rankMember(player(i), random(100), '');
    }
    say(`${name}: leaders`, await ranked.leaders(1, {}));
    say(`${name}: ranks`, [
        await ranked.rankFor(player(5)),
        await ranked.rankFor(player(6)),
        await ranked.rankFor(player(7)),
    ]);
    await ranked.removeMember(player(5));
    say(`${name}: around`, await ranked.aroundMe(player(6), { pageSize: 5 }));
    board.disconnect();
}
await pause();
await season.deleteLeaderboard();
say('deleted', await season.totalMembers());
all.disconnect();
week.disconnect();
done();
process.exit();
