using ActorStreams.Definitions;

namespace ActorStreams.Benchmarks.Inputs;

/// <summary>
/// A movement on an account: what a record of the generated input holds, about 100 bytes of JSON. Its key is the account's number.
/// </summary>
internal sealed record Movement(string Owner, long Cents, string Currency, string Reference, string Channel);

/// <summary>An account: who owns it, and what is on it.</summary>
internal sealed record Account(string Owner, long Cents, int Movements) : IEntity<Account, Movement>
{
    public static Account? Apply(Account? state, in Record<Movement> record) =>
        new(record.Value.Owner, (state?.Cents ?? 0) + record.Value.Cents, (state?.Movements ?? 0) + 1);
}

/// <summary>What an owner has, on all accounts together: re-keyed, and an account may move from one owner to another.</summary>
internal sealed record Wealth(int Accounts, long Cents) : IView<Wealth, Account>
{
    public static IEnumerable<string> KeysOf(string key, Account source) => [source.Owner];

    public static Wealth? Apply(Wealth? state, in Change<Account> change)
    {
        var accounts = (state?.Accounts ?? 0) + change.Count;
        return accounts == 0 ? null : new(accounts, (state?.Cents ?? 0) + change.Sum(account => account.Cents));
    }
}
