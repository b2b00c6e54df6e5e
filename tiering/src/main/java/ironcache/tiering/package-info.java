/** The SSD tier: segments, cold reads, compaction, admission. */
package ironcache.tiering;
