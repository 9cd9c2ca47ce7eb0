using ActorStreams.Log;

namespace ActorStreams.Storage.Sqlite.Log;

/// <summary>The rows that a reader has fetched and not yet returned. It fetches at most one batch ahead.</summary>
internal sealed class RowsInHand(ReadLimits limits)
{
    private readonly int _maxRecords = Math.Max(limits.MaxRecords, 1);
    private readonly Queue<LogRow> _rows = new();
    private LogRowCursor? _cursor;
    private ChangeRecord _held;
    private bool _holds;
    private int _records;
    private long _bytes;

    /// <summary>Whether the fetched rows do not yet fill a batch.</summary>
    public bool WantsMore => _records < _maxRecords && (_records == 0 || _bytes < limits.MaxBytes);

    public void Add(LogRow row)
    {
        _rows.Enqueue(row);
        _records += row.Count;
        _bytes += row.Bytes.Length;
    }

    /// <summary>
    /// Takes one batch's records from <paramref name="fromOffset"/> on, and before <paramref name="toOffset"/>. Earlier records of the
    /// first row are passed over.
    /// </summary>
    public ChangeRecord[] Take(long fromOffset, long toOffset)
    {
        var records = new ChangeRecord[Math.Min(_records, _maxRecords)];
        var (count, bytes) = (0, 0L);
        while (count < records.Length && TryNext(fromOffset, out records[count]))
        {
            var size = records[count].Size;
            if (records[count].Offset >= toOffset || !limits.Admit(count, bytes, size))
            {
                // It opens the next batch.
                (_held, _holds) = (records[count], true);
                break;
            }

            count++;
            bytes += size;
            _records--;
        }

        if (count < records.Length)
            Array.Resize(ref records, count);
        return records;
    }

    private bool TryNext(long fromOffset, out ChangeRecord record)
    {
        if (_holds)
        {
            (record, _held, _holds) = (_held, default, false);
            return true;
        }

        while (_cursor is { Left: > 0 } || TryNextRow())
        {
            record = _cursor!.Next();
            if (record.Offset >= fromOffset)
                return true;
            _records--;
        }

        record = default;
        return false;
    }

    private bool TryNextRow()
    {
        if (!_rows.TryDequeue(out var row))
            return false;
        _cursor = new(row);
        _bytes -= row.Bytes.Length;
        return true;
    }
}
