/** The shard: Read, Upsert, RMW, Delete over index, log and tiers; expiry. */
package ironcache.engine;
