/** The shard: Read, Upsert, RMW, Delete over index, log and tiers; expiry. */
@NullMarked
package ironcache.engine;

import org.jspecify.annotations.NullMarked;
