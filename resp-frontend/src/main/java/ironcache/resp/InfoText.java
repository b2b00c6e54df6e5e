package ironcache.resp;

import ironcache.engine.Shard;
import ironcache.engine.ShardStats;
import ironcache.ffm.MemoryTag;
import java.util.Map;

/** The text of INFO. Builds strings; for the control path. */
final class InfoText {
    /** In the order in which they are printed. */
    private static final String[] SECTIONS = {
        "server",
        "clients",
        "memory",
        "persistence",
        "threads",
        "stats",
        "replication",
        "cpu",
        "modules",
        "commandstats",
        "errorstats",
        "latencystats",
        "cluster",
        "keyspace",
        "ironcache"
    };

    private final CommandContext c;
    private final Node node;
    private final ServerStats stats;
    private final StringBuilder out = new StringBuilder(8192);

    InfoText(CommandContext c) {
        this.c = c;
        this.node = c.node();
        this.stats = node.stats();
    }

    /** All sections that the arguments from {@code i} on name. */
    String text(int i) {
        for (String section : SECTIONS) {
            if (isWanted(section, i)) {
                if (!out.isEmpty()) {
                    out.append("\r\n");
                }
                section(section);
            }
        }
        return out.toString();
    }

    private boolean isWanted(String section, int from) {
        boolean extra = section.equals("commandstats") || section.equals("latencystats");
        if (from >= c.argc()) {
            return !extra;
        }
        for (int i = from; i < c.argc(); i++) {
            if (c.argIs(i, section.toUpperCase(java.util.Locale.ROOT))
                    || c.argIs(i, "ALL")
                    || c.argIs(i, "EVERYTHING")
                    || c.argIs(i, "DEFAULT") && !extra
                    || c.argIs(i, "TIERING") && section.equals("ironcache")) {
                return true;
            }
        }
        return false;
    }

    private void section(String name) {
        switch (name) {
            case "server" -> server();
            case "clients" -> clients();
            case "memory" -> memory();
            case "persistence" -> persistence();
            case "threads" -> threads();
            case "stats" -> stats();
            case "replication" -> replication();
            case "cpu" -> cpu();
            case "modules" -> header("Modules");
            case "commandstats" -> commandStats();
            case "errorstats" -> errorStats();
            case "latencystats" -> latencyStats();
            case "cluster" -> {
                header("Cluster");
                line("cluster_enabled", 0);
            }
            case "keyspace" -> keyspace();
            default -> ironcache();
        }
    }

    private void header(String title) {
        out.append("# ").append(title).append("\r\n");
    }

    private void line(String name, String value) {
        out.append(name).append(':').append(value).append("\r\n");
    }

    private void line(String name, long value) {
        out.append(name).append(':').append(value).append("\r\n");
    }

    private void sized(String name, long bytes) {
        line(name, bytes);
        line(name + "_human", human(bytes));
    }

    /** As Valkey's bytesToHuman: two decimals and a letter. */
    static String human(long bytes) {
        if (bytes < 1024) {
            return bytes + "B";
        }
        String units = "KMGTPE";
        double value = bytes;
        int unit = -1;
        while (value >= 1024 && unit < units.length() - 1) {
            value /= 1024;
            unit++;
        }
        return fixed(value, 2) + units.charAt(unit);
    }

    /** A number with this many decimals, rounded half up. */
    static String fixed(double value, int decimals) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return "0.00";
        }
        long scale = 1;
        for (int i = 0; i < decimals; i++) {
            scale *= 10;
        }
        long scaled = Math.round(Math.abs(value) * scale);
        StringBuilder text =
                new StringBuilder().append(value < 0 ? "-" : "").append(scaled / scale);
        if (decimals > 0) {
            String fraction = Long.toString(scaled % scale);
            text.append('.').repeat('0', decimals - fraction.length()).append(fraction);
        }
        return text.toString();
    }

    private static String ratio(long part, long whole) {
        return whole == 0 ? "0.00" : fixed((double) part / whole, 2);
    }

    private void server() {
        long uptime = (node.clock.nanoTime() - node.startNanos) / 1_000_000_000;
        header("Server");
        line("redis_version", Node.REDIS_VERSION);
        line("server_name", "ironcache");
        line("valkey_version", Node.VALKEY_VERSION);
        line("ironcache_version", Node.VERSION);
        line("redis_git_sha1", "00000000");
        line("redis_git_dirty", 0);
        line("redis_build_id", "0");
        line("redis_mode", "standalone");
        line("server_mode", "standalone");
        line(
                "os",
                System.getProperty("os.name")
                        + " "
                        + System.getProperty("os.version")
                        + " "
                        + System.getProperty("os.arch"));
        line("arch_bits", 64);
        line("monotonic_clock", "POSIX clock_gettime");
        line("multiplexing_api", io());
        line("java_version", System.getProperty("java.version"));
        line("process_id", node.pid);
        line("process_supervised", "no");
        line("run_id", node.runId);
        line("tcp_port", node.config.number("port"));
        line("server_time_usec", node.clock.currentTimeMicros());
        line("uptime_in_seconds", uptime);
        line("uptime_in_days", uptime / 86_400);
        line("hz", node.config.number("hz"));
        line("configured_hz", node.config.number("hz"));
        line("lru_clock", node.clock.currentTimeMillis() / 1000 & (1 << 24) - 1);
        line("executable", System.getProperty("java.home") + "/bin/java");
        ConfigFile file = node.configFile;
        line("config_file", file == null ? "" : file.path());
        line("io_threads_active", 0);
        line(
                "listener0",
                "name=tcp,bind="
                        + node.config.value("bind")
                        + ",port="
                        + node.config.number("port"));
    }

    private String io() {
        return node.shards.all[0].loop.io().name();
    }

    private void clients() {
        long waiting = 0;
        long paused = 0;
        long blocked = 0;
        long late = 0;
        for (Connection client : node.clients()) {
            BlockedCommand command = client.blocked;
            if (client.state == Connection.State.PAUSED) {
                paused++;
            } else if (command != null && command.waits) {
                blocked++;
                late += command.deadlineNanos != Long.MAX_VALUE ? 1 : 0;
            } else if (!client.inLine && client.isWaiting()) {
                waiting++;
            }
        }
        long waitingForMemory = 0;
        long watching = 0;
        long watched = 0;
        long blockingKeys = 0;
        for (Partition partition : node.shards.all) {
            waitingForMemory += partition.loop.buffers().admission.waiting();
            watching += partition.watches.connections();
            watched += partition.watches.size();
            blockingKeys += partition.lines.size();
        }
        header("Clients");
        line("connected_clients", node.connections.get());
        line("cluster_connections", 0);
        line("maxclients", node.config.number("maxclients"));
        line("client_recent_max_input_buffer", 0);
        line("client_recent_max_output_buffer", 0);
        line("blocked_clients", blocked);
        line("tracking_clients", 0);
        line("pubsub_clients", 0);
        line("watching_clients", watching);
        line("clients_in_timeout_table", late);
        line("total_watched_keys", watched);
        line("total_blocking_keys", blockingKeys);
        line("total_blocking_keys_on_nokey", 0);
        boolean isPaused = node.isPaused();
        line("paused_reason", isPaused ? "client_pause" : "none");
        line("paused_actions", isPaused ? node.pauseWritesOnly ? "write" : "all" : "none");
        line(
                "paused_timeout_milliseconds",
                isPaused ? Math.max(0, node.pauseUntilMillis - c.now()) : 0);
        line("paused_clients", paused);
        line("clients_waiting_for_ssd", waiting);
        line("clients_waiting_for_memory", waitingForMemory);
    }

    private void memory() {
        MemoryGauge memory = node.memory;
        memory.measure();
        long used = memory.usedBytes();
        long rss = memory.residentBytes;
        long overhead = memory.overheadBytes();
        long dataset = Math.max(0, used - overhead);
        header("Memory");
        sized("used_memory", used);
        sized("used_memory_rss", rss);
        sized("used_memory_peak", memory.peakUsedBytes);
        line(
                "used_memory_peak_perc",
                fixed(100.0 * used / Math.max(1, memory.peakUsedBytes), 2) + "%");
        line("used_memory_overhead", overhead);
        line("used_memory_startup", memory.startupBytes);
        line("used_memory_dataset", dataset);
        line(
                "used_memory_dataset_perc",
                fixed(100.0 * dataset / Math.max(1, used - memory.startupBytes), 2) + "%");
        for (MemoryTag tag : MemoryTag.values()) {
            line("used_memory_" + tag.name().toLowerCase(java.util.Locale.ROOT), tag.bytes());
        }
        line("used_memory_heap", memory.heapBytes());
        line("heap_max", Runtime.getRuntime().maxMemory());
        line("allocator_allocated", used);
        line("allocator_active", used);
        line("allocator_resident", rss);
        line("allocator_muzzy", 0);
        sized("total_system_memory", memory.process().machineBytes());
        line("used_memory_lua", 0);
        line("used_memory_vm_eval", 0);
        line("used_memory_lua_human", "0B");
        line("used_memory_scripts_eval", 0);
        line("number_of_cached_scripts", 0);
        line("number_of_functions", 0);
        line("number_of_libraries", 0);
        line("used_memory_vm_functions", 0);
        sized("used_memory_vm_total", 0);
        line("used_memory_functions", 0);
        sized("used_memory_scripts", 0);
        sized("maxmemory", node.config.number("maxmemory"));
        line("maxmemory_policy", node.config.value("maxmemory-policy"));
        line("allocator_frag_ratio", "1.00");
        line("allocator_frag_bytes", 0);
        line("allocator_rss_ratio", ratio(rss, used));
        line("allocator_rss_bytes", rss - used);
        line("rss_overhead_ratio", "1.00");
        line("rss_overhead_bytes", 0);
        line("mem_fragmentation_ratio", ratio(rss, used));
        line("mem_fragmentation_bytes", rss - used);
        line("mem_not_counted_for_evict", 0);
        line("mem_replication_backlog", 0);
        line("mem_total_replication_buffers", 0);
        line("mem_replicas_repl_buffer", 0);
        line("mem_clients_slaves", 0);
        line("mem_clients_normal", node.clientBytes());
        long budget = 0;
        long reserved = 0;
        for (Partition partition : node.shards.all) {
            Admission admission = partition.loop.buffers().admission;
            budget += admission.budgetBytes();
            reserved += admission.reservedBytes();
        }
        line("mem_big_requests_budget", budget);
        line("mem_big_requests_reserved", reserved);
        line("mem_cluster_links", 0);
        line("mem_aof_buffer", 0);
        line("mem_allocator", "hybridlog");
        line("mem_overhead_db_hashtable_rehashing", 0);
        line("active_defrag_running", 0);
        line("lazyfree_pending_objects", 0);
        line("lazyfreed_objects", 0);
    }

    private void persistence() {
        header("Persistence");
        Durability durability = node.durability;
        boolean saving = durability.runs(Durability.Kind.SAVE);
        boolean rewriting = durability.runs(Durability.Kind.REWRITE);
        String status = durability.lastFailed() ? "err" : "ok";
        line("loading", node.loading ? 1 : 0);
        line("async_loading", 0);
        if (node.loading) {
            durability.loadingLines(this::line);
        }
        line("current_cow_peak", 0);
        line("current_cow_size", 0);
        line("current_cow_size_age", 0);
        line("current_fork_perc", "0.00");
        line("current_save_keys_processed", durability.isSaving() ? durability.imageKeys() : 0);
        line("current_save_keys_total", durability.isSaving() ? shardKeys() : 0);
        line("rdb_changes_since_last_save", stats.dirty - durability.savedChanges());
        line("rdb_bgsave_in_progress", saving ? 1 : 0);
        line("rdb_last_save_time", node.lastSaveSeconds);
        line("rdb_last_bgsave_status", status);
        line("rdb_last_bgsave_time_sec", durability.lastSeconds());
        line("rdb_current_bgsave_time_sec", saving ? durability.currentSeconds() : -1);
        line("rdb_saves", durability.snapshots());
        line("rdb_last_cow_size", 0);
        line("rdb_last_load_keys_expired", 0);
        line("rdb_last_load_keys_loaded", 0);
        line("aof_enabled", durability.isLogWanted() ? 1 : 0);
        line("aof_rewrite_in_progress", rewriting ? 1 : 0);
        line("aof_rewrite_scheduled", durability.isRewriteScheduled() ? 1 : 0);
        line("aof_last_rewrite_time_sec", durability.lastSeconds());
        line("aof_current_rewrite_time_sec", rewriting ? durability.currentSeconds() : -1);
        line("aof_last_bgrewrite_status", status);
        line("aof_rewrites", durability.snapshots());
        line("aof_rewrites_consecutive_failures", 0);
        line("aof_last_write_status", durability.logFailure() == null ? "ok" : "err");
        line("aof_last_cow_size", 0);
        if (durability.isLogWanted()) {
            line("aof_current_size", durability.logBytes());
            line("aof_pending_bytes", durability.pendingBytes());
        }
        line("module_fork_in_progress", 0);
        line("module_fork_last_cow_size", 0);
    }

    private long shardKeys() {
        long keys = 0;
        for (Partition partition : node.shards.all) {
            keys += partition.shard.keyCount();
        }
        return keys;
    }

    private void threads() {
        header("Threads");
        for (Partition partition : node.shards.all) {
            line("io_thread_" + partition.number, "clients=" + partition.loop.connectionCount());
        }
    }

    private void stats() {
        ShardStats shard = node.shards.stats();
        header("Stats");
        line("total_connections_received", stats.connectionsReceived);
        line("total_commands_processed", stats.commands);
        line("instantaneous_ops_per_sec", stats.commandsPerSecond());
        line("total_net_input_bytes", stats.receivedBytes);
        line("total_net_output_bytes", stats.sentBytes);
        line("total_net_repl_input_bytes", 0);
        line("total_net_repl_output_bytes", 0);
        line("instantaneous_input_kbps", fixed(stats.receivedBytesPerSecond() / 1024.0, 2));
        line("instantaneous_output_kbps", fixed(stats.sentBytesPerSecond() / 1024.0, 2));
        line("instantaneous_input_repl_kbps", "0.00");
        line("instantaneous_output_repl_kbps", "0.00");
        line("rejected_connections", stats.rejectedConnections);
        line("sync_full", 0);
        line("sync_partial_ok", 0);
        line("sync_partial_err", 0);
        line("expired_keys", shard.expiredKeys);
        line("expired_fields", shard.expiredFields);
        line("expired_stale_perc", "0.00");
        line("expired_keys_with_volatile_items_stale_perc", "0.00");
        line("expired_time_cap_reached_count", 0);
        line("expire_cycle_cpu_milliseconds", shard.expiryNanos / 1_000_000);
        line("evicted_keys", shard.evictedKeys);
        line("evicted_clients", 0);
        line("evicted_scripts", 0);
        line("total_eviction_exceeded_time", 0);
        line("current_eviction_exceeded_time", 0);
        line("keyspace_hits", stats.keyspaceHits);
        line("keyspace_misses", stats.keyspaceMisses);
        line("pubsub_channels", 0);
        line("pubsub_patterns", 0);
        line("pubsubshard_channels", 0);
        line("latest_fork_usec", 0);
        line("total_forks", 0);
        line("migrate_cached_sockets", 0);
        line("slave_expires_tracked_keys", 0);
        line("active_defrag_hits", 0);
        line("active_defrag_misses", 0);
        line("active_defrag_key_hits", 0);
        line("active_defrag_key_misses", 0);
        line("total_active_defrag_time", 0);
        line("current_active_defrag_time", 0);
        line("tracking_total_keys", 0);
        line("tracking_total_items", 0);
        line("tracking_total_prefixes", 0);
        line("unexpected_error_replies", 0);
        line("total_error_replies", node.errorStats().total());
        line("dump_payload_sanitizations", 0);
        line("total_reads_processed", stats.turns);
        line("total_writes_processed", stats.turns);
        line("io_threaded_reads_processed", 0);
        line("io_threaded_writes_processed", 0);
        line("client_query_buffer_limit_disconnections", stats.queryBufferLimitDisconnections);
        line("client_output_buffer_limit_disconnections", stats.outputLimitDisconnections);
        line("stalled_client_disconnections", stats.stalledDisconnections);
        long waits = 0;
        for (Partition partition : node.shards.all) {
            waits += partition.loop.buffers().admission.waits();
        }
        line("big_request_waits", waits);
        line("reply_buffer_shrinks", 0);
        line("reply_buffer_expands", 0);
        line("eventloop_cycles", stats.turns);
        line("instantaneous_eventloop_cycles_per_sec", stats.turnsPerSecond());
        line("acl_access_denied_auth", stats.authenticationFailures);
        line("acl_access_denied_cmd", 0);
        line("acl_access_denied_key", 0);
        line("acl_access_denied_channel", 0);
    }

    private void replication() {
        header("Replication");
        line("role", "master");
        line("connected_slaves", 0);
        line("replicas_waiting_psync", 0);
        line("master_failover_state", "no-failover");
        line("master_replid", node.runId);
        line("master_replid2", "0".repeat(40));
        line("master_repl_offset", 0);
        line("second_repl_offset", -1);
        line("repl_backlog_active", 0);
        line("repl_backlog_size", node.config.number("repl-backlog-size"));
        line("repl_backlog_first_byte_offset", 0);
        line("repl_backlog_histlen", 0);
    }

    private void cpu() {
        long[] micros = node.memory.process().cpuMicros();
        header("CPU");
        line("used_cpu_sys", fixed(micros[1] / 1e6, 6));
        line("used_cpu_user", fixed(micros[0] / 1e6, 6));
        line("used_cpu_sys_children", "0.000000");
        line("used_cpu_user_children", "0.000000");
    }

    private void commandStats() {
        header("Commandstats");
        for (int i = 0; i < node.commands.size(); i++) {
            CommandRow row = node.total(node.commands.row(i));
            if (row.calls == 0 && row.rejectedCalls == 0 && row.failedCalls == 0) {
                continue;
            }
            long micros = row.nanos / 1000;
            line(
                    "cmdstat_" + row.fullName,
                    "calls="
                            + row.calls
                            + ",usec="
                            + micros
                            + ",usec_per_call="
                            + (row.calls == 0 ? "0.00" : fixed(row.nanos / 1000.0 / row.calls, 2))
                            + ",rejected_calls="
                            + row.rejectedCalls
                            + ",failed_calls="
                            + row.failedCalls);
        }
    }

    private void errorStats() {
        header("Errorstats");
        for (Map.Entry<String, long[]> entry : node.errorStats().counts().entrySet()) {
            line("errorstat_" + entry.getKey(), "count=" + entry.getValue()[0]);
        }
    }

    private void latencyStats() {
        header("Latencystats");
        if (!node.latencyTracking) {
            return;
        }
        for (int i = 0; i < node.commands.size(); i++) {
            CommandRow row = node.total(node.commands.row(i));
            LatencyHistogram histogram = row.histogram;
            if (histogram == null || histogram.total() == 0) {
                continue;
            }
            StringBuilder text = new StringBuilder();
            for (double percentile : node.config.latencyPercentiles) {
                text.append(text.isEmpty() ? "p" : ",p")
                        .append(Doubles.text(percentile))
                        .append('=')
                        .append(fixed(histogram.percentileNanos(percentile) / 1000.0, 3));
            }
            line("latency_percentiles_usec_" + row.fullName, text.toString());
        }
    }

    private void keyspace() {
        header("Keyspace");
        for (int db = 0; db < Shard.DATABASES; db++) {
            long keys = node.shards.size(db);
            if (keys > 0) {
                line(
                        "db" + db,
                        "keys="
                                + keys
                                + ",expires="
                                + node.shards.expires(db)
                                + ",avg_ttl=0,keys_with_volatile_items="
                                + node.shards.timedHashes(db));
            }
        }
    }

    private void ironcache() {
        ShardStats s = node.shards.stats();
        header("IronCache");
        line("shards", node.shards.count());
        line("io", io());
        line("memory_budget_bytes", s.memoryBudgetBytes);
        line("index_bytes", s.indexBytes);
        line("log_frames_bytes", s.logFramesBytes);
        line("meta_bytes", s.metaBytes);
        line("staging_bytes", s.stagingBytes);
        line("mutable_pages", s.mutablePages);
        line("sealed_pages_in_ram", s.sealedPagesInRam);
        line("disk_bytes", s.diskBytes);
        line("disk_live_bytes", s.diskLiveBytes);
        line("disk_max_bytes", s.maxDiskBytes);
        line("disk_full", s.diskFull ? 1 : 0);
        line("unsettled_keys", s.unsettledKeys);
        line("cold_reads", s.coldReads);
        line("cold_read_bytes", s.coldReadBytes);
        line("cold_hits", s.coldHits);
        line("ram_hit_rate", ratio(stats.keyspaceHits - s.coldHits, stats.keyspaceHits));
        line("promotions", s.promotions);
        line("flushed_bytes", s.flushedBytes);
        line("sealed_pages", s.sealedPages);
        line("compacted_segments", s.compactedSegments);
        line("compacted_bytes", s.compactedBytes);
        line("settled_keys", s.settled);
        line("in_place_updates", s.inPlaceUpdates);
        line("copy_updates", s.copyUpdates);
        line("write_errors", s.writeErrors);
        line("checksum_errors", s.checksumErrors);
        line("broken_views", s.brokenViews);
        node.durability.parity().tell(this::line);
        line("parked_commands", stats.parks);
        line("held_transactions", stats.transactionHolds);
        line("protocol_errors", stats.protocolErrors);
        LatencyHistogram leases = new LatencyHistogram();
        for (Partition partition : node.shards.all) {
            leases.addAll(partition.leases);
        }
        line("leases", leases.total());
        line("lease_p50_usec", fixed(leases.percentileNanos(50) / 1e3, 1));
        line("lease_p99_usec", fixed(leases.percentileNanos(99) / 1e3, 1));
        line("lease_p99.9_usec", fixed(leases.percentileNanos(99.9) / 1e3, 1));
        line("lease_max_usec", fixed(leases.maxNanos() / 1e3, 1));
    }

    /** CONFIG RESETSTAT. */
    static void resetShardCounters(ShardStats s) {
        s.expiredKeys = 0;
        s.expiredFields = 0;
        s.evictedKeys = 0;
    }
}
