using Microsoft.Extensions.Time.Testing;

namespace ActorStreams.Tests.Simulation.Ports;

/// <summary>The clock of one silo: it stands still until the simulation moves it.</summary>
internal sealed class SimClock(Simulation simulation) : FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        simulation.RequireThread("A timer was created");
        var isPause = dueTime >= TimeSpan.FromSeconds(0.1) && period == Timeout.InfiniteTimeSpan;
        return base.CreateTimer(callback, state, simulation.Lies(Sabotage.NoPause) && isPause ? TimeSpan.FromTicks(1) : dueTime, period);
    }
}
