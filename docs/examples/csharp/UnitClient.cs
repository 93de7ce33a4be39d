// A unit's end of the trunk: submit packages, read the inbox, report statuses.
//
// Environment: TRUNK_ADDRESS=amqps://broker:5671/trunk TRUNK_PASSWORD=… TRUNK_UNIT=000.00.14.H29 [TRUNK_USER=…]
// Commands:    send FILE.edxml [--urgent] [--upload-url URL] | read [--save DIR]
//              status DOCUMENT_ID --to UNIT --code 03 [--reason TEXT]
//
// Checked against the client's published source, and its syntax by a parser; never compiled or run by us.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using System.Xml.Linq;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

public static class UnitClient
{
    private const string Edxml = "application/edxml+xml";
    private const string Reference = "application/vnd.trunk.reference+json";
    private const int InlineLimitBytes = 12 * 1024 * 1024;
    private const int Tries = 30;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ConfirmPatience = TimeSpan.FromSeconds(60);
    private static readonly string Unit = Environment.GetEnvironmentVariable("TRUNK_UNIT") ?? "";
    private static readonly string User = Environment.GetEnvironmentVariable("TRUNK_USER") ?? Unit;
    private static readonly XNamespace Profile = "http://www.mic.gov.vn/TBT/QCVN_102_2016";
    private static readonly HttpClient Http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };

    /// <summary>Not to be tried again: the person has to correct something.</summary>
    private sealed class Refused : Exception
    {
        public Refused(string why) : base(why) { }
    }

    private sealed record Message(IReadOnlyBasicProperties Properties, byte[] Body, ulong DeliveryTag);

    public static async Task<int> Main(string[] arguments)
    {
        try
        {
            Dictionary<string, string> told = Options(arguments);
            switch (told.GetValueOrDefault("command"))
            {
                case "send":
                    byte[] package = await File.ReadAllBytesAsync(told["subject"]);
                    await SendAsync(package, told.ContainsKey("--urgent"), told.GetValueOrDefault("--upload-url"));
                    return 0;
                case "read":
                    await ReadAsync(told.GetValueOrDefault("--save", "inbox"));
                    return 0;
                case "status":
                    await SendAsync(Status(told), urgent: false, uploadUrl: null);
                    return 0;
                default:
                    throw new Refused("say send, read or status");
            }
        }
        catch (Refused refused)
        {
            await Console.Error.WriteLineAsync(refused.Message);
            return 1;
        }
    }

    /// <summary>Do <paramref name="work"/> until it ends well, on a new connection when the old one breaks.</summary>
    private static async Task PersistAsync(Func<IChannel, Task> work)
    {
        for (int attempt = 0; attempt < Tries; attempt++)
        {
            try
            {
                await using IConnection connection = await Factory().CreateConnectionAsync();
                // With both set BasicPublishAsync returns when the broker has confirmed, and throws when it has not.
                await using IChannel channel = await connection.CreateChannelAsync(
                    new CreateChannelOptions(
                        publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
                await work(channel);
                return;
            }
            catch (PublishReturnException error)
            {
                throw new Refused($"no queue takes {error.RoutingKey}: is the unit registered?");
            }
            catch (Exception error) when (error is RabbitMQClientException or IOException or OperationCanceledException
                or ChannelClosedException or HttpRequestException)
            {
                RefuseIfTold(error);
                await Console.Error.WriteLineAsync($"broken off, the same once more: {error.Message}"); // perhaps taken
                await Task.Delay(Pause);
            }
        }
        throw new Refused("the broker does not answer: keep the package, and send the same bytes later");
    }

    private static ConnectionFactory Factory()
    {
        ConnectionFactory factory = new ConnectionFactory
        {
            Uri = new Uri(Told("TRUNK_ADDRESS")),
            UserName = User,
            Password = Told("TRUNK_PASSWORD"),
            RequestedHeartbeat = TimeSpan.FromSeconds(30), // a silent broker becomes an exception
            AutomaticRecoveryEnabled = false, // PersistAsync connects again, and knows what was not confirmed
        };
        factory.Ssl.AcceptablePolicyErrors = SslPolicyErrors.None; // the setter of Uri had let foreign host names pass
        return factory;
    }

    /// <summary>What the broker closed with a reason (403, 404, 406; 530: virtual host) it will close again.</summary>
    private static void RefuseIfTold(Exception error)
    {
        for (Exception? cause = error; cause is not null; cause = cause.InnerException)
        {
            bool told = cause is OperationInterruptedException { ShutdownReason.ReplyCode: 403 or 404 or 406 or 530 };
            if (told || cause is AuthenticationFailureException or AuthenticationException) // the latter: of the broker
            {
                throw new Refused($"the broker refused {User}, or is not who it should be: {cause.Message}");
            }
        }
    }

    /// <summary>Returns when the broker has confirmed: from then on the trunk answers for the package.</summary>
    private static async Task SendAsync(byte[] package, bool urgent, string? uploadUrl)
    {
        if (uploadUrl is null && package.Length > InlineLimitBytes)
        {
            throw new Refused("more than 12 MiB: ask the operators for an address, and say --upload-url");
        }
        byte[] body = uploadUrl is null ? package : await UploadAsync(uploadUrl, package);
        string key = urgent ? $"submit.{Unit}.urgent" : $"submit.{Unit}";
        await PersistAsync(async channel =>
        {
            BasicProperties properties = new BasicProperties
            {
                ContentType = uploadUrl is null ? Edxml : Reference,
                DeliveryMode = DeliveryModes.Persistent,
                UserId = User,
                Timestamp = new AmqpTimestamp(DateTimeOffset.UtcNow.ToUnixTimeSeconds()),
            };
            using CancellationTokenSource patience = new CancellationTokenSource(ConfirmPatience);
            await channel.BasicPublishAsync("trunk.submit", key, mandatory: true, properties, body, patience.Token);
        });
        Print(new Dictionary<string, object?> { ["sent"] = Digest(package), ["bytes"] = package.Length });
    }

    /// <summary>Put a large package where the operators said; the reference that is submitted in its place.</summary>
    private static async Task<byte[]> UploadAsync(string address, byte[] package)
    {
        using HttpResponseMessage answer = await Http.PutAsync(address, new ByteArrayContent(package));
        if (!answer.IsSuccessStatusCode)
        {
            throw new Refused($"the store did not take the upload: HTTP {(int)answer.StatusCode}");
        }
        string[] parts = Uri.UnescapeDataString(new Uri(address).AbsolutePath).TrimStart('/').Split('/', 2);
        return JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object?>
        {
            ["bucket"] = parts[0],
            ["key"] = parts[1],
            ["size"] = package.Length,
            ["sha256"] = Digest(package),
        });
    }

    /// <summary>Store every message, then ack it; end when nothing came for a while.</summary>
    private static async Task ReadAsync(string folder)
    {
        Directory.CreateDirectory(folder);
        await PersistAsync(async channel =>
        {
            Channel<Message> came = Channel.CreateUnbounded<Message>();
            AsyncEventingBasicConsumer consumer = new AsyncEventingBasicConsumer(channel);
            consumer.ReceivedAsync += (_, next) =>
            {
                // The body is only lent to the handler.
                came.Writer.TryWrite(new Message(next.BasicProperties, next.Body.ToArray(), next.DeliveryTag));
                return Task.CompletedTask;
            };
            consumer.UnregisteredAsync += (_, _) =>
            {
                came.Writer.TryComplete(new IOException("the broker ended the subscription"));
                return Task.CompletedTask;
            };
            consumer.ShutdownAsync += (_, reason) =>
            {
                came.Writer.TryComplete(new OperationInterruptedException(reason));
                return Task.CompletedTask;
            };
            await channel.BasicQosAsync(prefetchSize: 0, prefetchCount: 8, global: false);
            await channel.BasicConsumeAsync($"inbox.{Unit}", autoAck: false, consumer);
            while (await NextAsync(came.Reader) is { } message)
            {
                Print(await StoreAsync(folder, message));
                await channel.BasicAckAsync(message.DeliveryTag, multiple: false); // only now may the broker forget it
            }
        });
    }

    /// <summary>The next message, or null when nothing came for a while.</summary>
    private static async Task<Message?> NextAsync(ChannelReader<Message> came)
    {
        using CancellationTokenSource idle = new CancellationTokenSource(Idle);
        try
        {
            return await came.ReadAsync(idle.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>One file a message, named for its event: a repeat falls on the same name and changes nothing.</summary>
    private static async Task<Dictionary<string, object?>> StoreAsync(string folder, Message message)
    {
        string type = message.Properties.Type ?? "";
        Dictionary<string, object?> told = new Dictionary<string, object?> { ["type"] = type };
        foreach ((string name, object? value) in message.Properties.Headers ?? new Dictionary<string, object?>())
        {
            if (name.StartsWith("x-", StringComparison.Ordinal))
            {
                told[name] = value is byte[] text ? Encoding.UTF8.GetString(text) : value?.ToString();
            }
        }
        string stem = Regex.Replace((string)told["x-event-id"]!, "[^0-9A-Za-z.-]+", "_");
        string file = Path.Combine(folder, $"{stem}.{type}");
        told["file"] = file;
        told["repeat"] = File.Exists(file);
        if (File.Exists(file))
        {
            return told;
        }
        byte[] body = message.Body;
        if (message.Properties.ContentType == Reference)
        {
            using JsonDocument reference = JsonDocument.Parse(body);
            body = await Http.GetByteArrayAsync(reference.RootElement.GetProperty("url").GetString());
        }
        if (type != "receipt" && Digest(body) != (string?)told["x-sha256"])
        {
            throw new Refused($"{file}: other bytes than announced; not acked, tell the trunk's operators");
        }
        string unfinished = Path.Combine(folder, $"{stem}.unfinished");
        using (FileStream target = new FileStream(unfinished, FileMode.Create))
        {
            await target.WriteAsync(body);
            target.Flush(flushToDisk: true);
        }
        File.Move(unfinished, file);
        return told;
    }

    /// <summary>The smallest status package: who reports, about which document of whom, what, why, when.</summary>
    private static byte[] Status(Dictionary<string, string> told)
    {
        DateTimeOffset there = DateTimeOffset.UtcNow.ToOffset(TimeSpan.FromHours(7)); // Ho Chi Minh City
        string now = there.ToString("yyyy'/'MM'/'dd HH':'mm':'ss", CultureInfo.InvariantCulture);
        XElement package = new XElement(Profile + "edXML", new XElement(Profile + "edXMLEnvelope",
            new XElement(Profile + "edXMLHeader", new XElement(Profile + "MessageHeader",
                new XElement(Profile + "From", new XElement(Profile + "OrganId", Unit)),
                new XElement(Profile + "ResponseFor",
                    new XElement(Profile + "OrganId", told["--to"]),
                    new XElement(Profile + "DocumentId", told["subject"])),
                new XElement(Profile + "StatusCode", told["--code"]),
                new XElement(Profile + "Description", told.GetValueOrDefault("--reason", "")),
                new XElement(Profile + "Timestamp", now)))));
        using MemoryStream written = new MemoryStream();
        new XDocument(new XDeclaration("1.0", "utf-8", null), package).Save(written, SaveOptions.DisableFormatting);
        return written.ToArray();
    }

    private static Dictionary<string, string> Options(string[] arguments)
    {
        Dictionary<string, string> told = new Dictionary<string, string>();
        List<string> plain = new List<string>();
        for (int at = 0; at < arguments.Length; at++)
        {
            if (arguments[at] == "--urgent")
            {
                told["--urgent"] = "";
            }
            else if (arguments[at].StartsWith("--", StringComparison.Ordinal))
            {
                told[arguments[at]] = arguments[++at];
            }
            else
            {
                plain.Add(arguments[at]);
            }
        }
        foreach ((string name, string value) in new[] { "command", "subject" }.Zip(plain))
        {
            told[name] = value;
        }
        return told;
    }

    private static string Told(string variable) =>
        Environment.GetEnvironmentVariable(variable) ?? throw new Refused($"{variable} is not set");

    private static string Digest(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes)).ToLowerInvariant();

    private static void Print(Dictionary<string, object?> told) => Console.WriteLine(JsonSerializer.Serialize(told));
}
