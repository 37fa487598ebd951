"""Tests of the SDK that make a `SQLiteSession`, and are left out, by what they want of it."""

from collections.abc import Mapping, Sequence

LEFT_OUT: Mapping[str, Sequence[str]] = {
    "they look into SQLite: its tables, its connections and locks, rows that are no JSON": (
        "test_encrypted_pop_authentication_is_atomic_with_concurrent_mutations",
        "test_encrypted_pop_wrong_key_preserves_row_identity",
        "test_failed_encrypted_suffix_transaction_preserves_original_tokens",
        "test_settled_clear_failure_invalidates_response_chain",
        "test_settled_pop_failure_invalidates_response_chain",
        "test_sqlite_session_close_closes_worker_thread_connections",
        "test_sqlite_session_close_retries_quarantined_connection",
        "test_sqlite_session_closes_retired_connections_before_the_next_allocation",
        "test_sqlite_session_failed_add_items_releases_write_lock",
        "test_sqlite_session_failed_clear_session_rolls_back",
        "test_sqlite_session_failed_pop_item_releases_write_lock",
        "test_sqlite_session_file_lock_is_shared_across_instances",
        "test_sqlite_session_get_items_limit_skips_corrupt_newest_rows",
        "test_sqlite_session_get_items_session_settings_limit_skips_corrupt_rows",
        "test_sqlite_session_keeps_connections_of_live_worker_threads",
        "test_sqlite_session_pop_item_returns_none_after_dropping_only_corrupt_rows",
        "test_sqlite_session_pop_item_skips_corrupt_most_recent",
        "test_sqlite_session_post_commit_cancellation_propagates_after_known_outcome",
        "test_sqlite_session_reaps_connections_from_exited_worker_threads",
        "test_sqlite_session_rollback_failure_evicts_connection",
        "test_suffix_transaction_rolls_back_failed_insert",
    ),
    "they want `_get_compaction_snapshot`, which the SDK asks of `SQLiteSession` alone, to compact "
    "a part of a history": (
        "test_automatic_compaction_does_not_reload_unbounded_hidden_history",
        "test_automatic_compaction_rollback_budget",
        "test_backend_read_limit_cannot_hide_retained_history_from_compaction",
        "test_cancelled_suffix_transaction_settles_before_newer_append",
        "test_encrypted_compaction_skips_unencrypted_stored_history",
        "test_expired_prefix_does_not_block_full_live_window",
        "test_expired_read_overhead_does_not_authorize_hidden_history",
        "test_handoff_resume_after_cancelled_compaction_commits",
        "test_new_backend_write_invalidates_snapshot",
        "test_partial_compaction_does_not_split_tool_call_and_output",
        "test_partial_compaction_preserves_reasoning_and_its_follower",
        "test_prefix_cleanup_stops_before_retained_history",
        "test_repeated_ttl_bursts_do_not_accumulate_expired_rows",
        "test_unverifiable_rows_inside_snapshot_are_retained",
    ),
    "they want `_pop_item_with_validation`, which the SDK asks of `SQLiteSession` alone, to look "
    "at an encrypted item before it is gone": (
        "test_encrypted_pop_cancellation_waits_for_authentication_rollback",
        "test_encrypted_pop_rechecks_authentication_after_expired_tail",
        "test_encrypted_pop_skips_plaintext_with_inherited_sqlite_behavior",
        "test_encrypted_pop_wrong_key_preserves_recoverable_history",
    ),
    "it wants an error that says `SQLiteSession is closed`": (
        "test_sqlite_session_closed_rejects_empty_add_items",
    ),
}
"""The names of test functions, with all their parameters."""

NAMES = frozenset(name for names in LEFT_OUT.values() for name in names)
