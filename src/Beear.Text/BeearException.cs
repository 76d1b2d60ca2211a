namespace Beear;

/// <summary>
/// Bad input from the user: the message is one sentence that says what is wrong, where, and what to do.
/// The command line prints it without a stack trace and exits with code 2.
/// </summary>
public sealed class BeearException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">One sentence: what, where, what to do.</param>
    public BeearException(string message) : base(message) { }

    /// <summary>Creates the error with the failure that caused it.</summary>
    /// <param name="message">One sentence: what, where, what to do.</param>
    /// <param name="inner">The underlying failure.</param>
    public BeearException(string message, Exception inner) : base(message, inner) { }

    /// <summary>Creates the error without a message; present only for the conventions of exceptions.</summary>
    public BeearException() : base("Bad input.") { }
}
