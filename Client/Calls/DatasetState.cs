using ActorStreams.Log;
using ActorStreams.Protocol;

namespace ActorStreams.Client.Calls;

/// <summary>The state of one key, and the point of the log it is the state of.</summary>
/// <typeparam name="T">What the state is read as.</typeparam>
/// <param name="Dataset">The dataset's name.</param>
/// <param name="Key">The key.</param>
/// <param name="State">The state.</param>
/// <param name="Position">The last record folded into it.</param>
/// <param name="Time">That record's time.</param>
/// <param name="Behind">How far the state may be behind.</param>
/// <param name="Build">The build of the dataset that it is of; 0 from a silo that knows none.</param>
public sealed record DatasetState<T>(
    string Dataset, string Key, T State, Position Position, DateTimeOffset Time, Behind? Behind, int Build = 0);

/// <summary>One line of a dataset's listing.</summary>
/// <typeparam name="T">What the state is read as.</typeparam>
/// <param name="Key">The key.</param>
/// <param name="State">Its state.</param>
/// <param name="Time">The time of the last record folded into it.</param>
public sealed record DatasetItem<T>(string Key, T State, DateTimeOffset Time);
