"""Tables: CSV, TSV and Parquet, by columns and rows."""
