"""headrace without hedges, to show what they are worth where requests fall silent."""
import headrace_bench

NAME = "headrace, no hedges"
IS_VARIANT = True


def setting(_work):
    return "--hedge-share 0; requests signed"


def cannot(work):
    if not work.letter.startswith("g"):
        return "differs from headrace in (g) alone"
    return None


def command(run):
    return [*headrace_bench.command(run), "--hedge-share", 0]
