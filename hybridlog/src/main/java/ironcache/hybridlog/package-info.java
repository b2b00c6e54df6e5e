/** Record, page and address layouts, and the log's regions in RAM. */
package ironcache.hybridlog;
