package ironcache.tools;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.ZAddParams;
import redis.clients.jedis.params.ZParams;
import redis.clients.jedis.params.ZRangeParams;
import redis.clients.jedis.resps.ScanResult;
import redis.clients.jedis.resps.Tuple;

/** A game's leaderboard on an unmodified Jedis: players score from many threads, and look at ranks, pages, bands of scores and sums of boards. What it finds is the same in each run on each server. */
final class Leaderboard {
    private static final String BOARD = "board";
    private static final int PLAYERS = 100_000;
    private static final int THREADS = 6;
    private static final int GAMES = 2000;

    private final RedisClient client;
    private final NodeProgram.Pause pause;
    private final Random random = new Random(20261123);
    private final List<String> found = new ArrayList<>();

    private Leaderboard(RedisClient client, NodeProgram.Pause pause) {
        this.client = client;
        this.pause = pause;
    }

    /** @return a line for each thing found */
    static List<String> play(ServerProcess server, RedisProtocol protocol, NodeProgram.Pause pause)
            throws Exception {
        try (RedisClient client =
                RedisClient.builder()
                        .hostAndPort("127.0.0.1", server.port())
                        .clientConfig(
                                DefaultJedisClientConfig.builder()
                                        .protocol(protocol)
                                        .socketTimeoutMillis(20_000)
                                        .build())
                        .build()) {
            Leaderboard board = new Leaderboard(client, pause);
            board.season();
            return board.found;
        }
    }

    private void season() throws Exception {
        try (Pipeline pipeline = client.pipelined()) {
            Map<String, Double> some = new HashMap<>();
            for (int i = 0; i < PLAYERS; i++) {
                some.put(player(i), (double) random.nextInt(5000));
                if (some.size() == 500) {
                    pipeline.zadd(BOARD, Map.copyOf(some));
                    some.clear();
                }
            }
            pipeline.sync();
        }
        say("players", client.zcard(BOARD));
        pause.run();
        scoreFromManyThreads();
        look();
        pause.run();
        bands();
        pause.run();
        boards();
        pause.run();
        end();
    }

    /** Whole points, so that their sum does not depend on the order. */
    private void scoreFromManyThreads() throws InterruptedException, ExecutionException {
        List<Callable<Void>> games = new ArrayList<>();
        for (int thread = 0; thread < THREADS; thread++) {
            Random own = new Random(thread);
            games.add(
                    () -> {
                        for (int i = 0; i < GAMES; i++) {
                            client.zincrby(BOARD, own.nextInt(300), player(own.nextInt(PLAYERS)));
                        }
                        return null;
                    });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            for (Future<Void> game : threads.invokeAll(games)) {
                game.get();
            }
        }
    }

    /** The first page, and players with those around them. */
    private void look() {
        say("top", shown(page(0, 9)));
        say("bottom", client.zrange(BOARD, ZRangeParams.zrangeParams(0, 4)));
        for (int i = 0; i < 300; i++) {
            String player = player(random.nextInt(PLAYERS));
            long rank = client.zrevrank(BOARD, player);
            say(player, rank + " " + client.zrevrankWithScore(BOARD, player));
            say("around", shown(page(Math.max(0, rank - 2), rank + 2)));
        }
        say("nobody", client.zrevrank(BOARD, "nobody") + " " + client.zscore(BOARD, "nobody"));
        say("friends", client.zmscore(BOARD, player(1), "nobody", player(2), player(3)));
    }

    /** Who has so many points: in pages, by both bounds, and how many. By ZRANGEBYSCORE too, as older programs do. */
    @SuppressWarnings("deprecation")
    private void bands() {
        for (int low = 4500; low < 5500; low += 125) {
            int high = low + 60;
            say("so many", client.zcount(BOARD, low, high));
            say("first ten", client.zrangeByScore(BOARD, low, high, 0, 10));
            say(
                    "next ten, from above",
                    shown(
                            client.zrangeWithScores(
                                    BOARD,
                                    ZRangeParams.zrangeByScoreParams(high, low)
                                            .rev()
                                            .limit(10, 10))));
            say("without bounds", client.zrangeByScore(BOARD, "(" + low, "(" + high, 3, 4));
        }
        long changed = 0;
        for (int i = 0; i < 500; i++) {
            ZAddParams best = ZAddParams.zAddParams().gt().ch();
            changed += client.zadd(BOARD, random.nextInt(6000), player(i), best);
        }
        say("new bests", changed);
    }

    /** Boards of two weeks, their weighted sum, and a player's friends among all. */
    private void boards() {
        for (int week = 1; week <= 2; week++) {
            Map<String, Double> some = new HashMap<>();
            for (int i = 0; i < 8000; i++) {
                some.put(player(week * 4000 + i), (double) random.nextInt(1000));
            }
            client.zadd("week:" + week, some);
        }
        String[] friends = new String[400];
        for (int i = 0; i < friends.length; i++) {
            friends[i] = player(i * 97);
        }
        client.sadd("friends", friends);
        pauseQuietly();
        ZParams weights = new ZParams().weights(1, 0.5).aggregate(ZParams.Aggregate.SUM);
        say("sum", client.zunionstore("sum", weights, "week:1", "week:2"));
        say(
                "its top",
                shown(client.zrangeWithScores("sum", ZRangeParams.zrangeParams(0, 9).rev())));
        ZParams score = new ZParams().weights(0, 1);
        say("friends", client.zinterstore("among", score, "friends", BOARD));
        say(
                "their top",
                shown(client.zrangeWithScores("among", ZRangeParams.zrangeParams(0, 9).rev())));
        say("both weeks", client.zintercard(0, "week:1", "week:2"));
        say("only the first", client.zdiff("week:1", "week:2").size());
        say(
                "the top is kept",
                client.zrangestore("kept", BOARD, ZRangeParams.zrangeParams(0, 99).rev()));
        client.expire("kept", 3600);
        say("and will go", client.ttl("kept") > 3500);
    }

    private void end() {
        say("prizes", shown(client.zpopmax(BOARD, 3)));
        say("last", shown(client.zpopmin(BOARD, 2)));
        say("few points", client.zremrangeByScore(BOARD, 0, 99));
        say("beyond", client.zremrangeByRank(BOARD, 0, -50_001));
        pauseQuietly();
        Map<String, Double> all = new HashMap<>();
        String cursor = ScanParams.SCAN_POINTER_START;
        do {
            ScanResult<Tuple> scan = client.zscan(BOARD, cursor, new ScanParams().count(1000));
            for (Tuple entry : scan.getResult()) {
                all.put(entry.getElement(), entry.getScore());
            }
            cursor = scan.getCursor();
        } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
        say("scanned", all.size() + " of " + client.zcard(BOARD));
        double sum = 0;
        for (double score : all.values()) {
            sum += score;
        }
        say("points", sum);
        say("deleted", client.unlink(BOARD, "sum", "among", "week:1", "week:2", "kept", "friends"));
        say("left", client.dbSize());
    }

    private List<Tuple> page(long from, long to) {
        return client.zrangeWithScores(
                BOARD, ZRangeParams.zrangeParams((int) from, (int) to).rev());
    }

    private void pauseQuietly() {
        try {
            pause.run();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private void say(String what, Object value) {
        found.add(what + ": " + value);
    }

    private static String shown(List<Tuple> entries) {
        StringBuilder text = new StringBuilder();
        for (Tuple entry : entries) {
            text.append(entry.getElement()).append('=').append(entry.getScore()).append(' ');
        }
        return text.toString();
    }

    private static String player(int i) {
        return String.format(Locale.ROOT, "player:%06d", i);
    }
}
