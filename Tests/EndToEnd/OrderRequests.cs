using System.Text.Json;
using ActorStreams.Log;

namespace ActorStreams.Tests.EndToEnd;

/// <summary>Orders of the shop: what small tests append.</summary>
internal static class OrderRequests
{
    internal const string Orders = "shop.orders";

    /// <summary>The line that places an order.</summary>
    internal static string Placed(string key, string customer, decimal total) =>
        JsonSerializer.Serialize(new { key, value = new { type = "placed", customer, total } });

    internal static async Task<Position> PlaceAsync(this SiloProcess silo, string key, string customer, decimal total)
    {
        var answer = (await silo.PostAsync(Orders, Placed(key, customer, total))).Lines.Single();
        return new(Orders, answer.GetProperty("partition").GetInt32(), answer.GetProperty("offset").GetInt64());
    }
}
