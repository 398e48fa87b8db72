"""How often code runs, by what it does: the heat of the one read in each program, `x.sum().item()`."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.programs.world import Files
from transfer_lint.findings import Heat
from transfer_lint.flow.analysis import Analysis
from transfer_lint.flow.program.project import Project

HEAD = """\
import functools
import logging
import types

import comfy.samplers
import pytorch_lightning
import torch
import torchmetrics
from itertools import islice
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm


def read(x: torch.Tensor):
    return x.sum().item()


"""


def heat_of(texts: Mapping[str, str], path: str = "example.py") -> tuple[Heat, bool]:
    """The heat of the one read in a file, and whether it is throttled."""
    project = Project(Files(texts))
    (found,) = Analysis(project).examine(project.add(path, texts[path])).reads
    return found.heat, found.throttled


def is_rare(texts: Mapping[str, str], path: str = "example.py") -> bool:
    """Whether nothing that leads to the one read in a file is worth a warning."""
    project = Project(Files(texts))
    (found,) = Analysis(project).examine(project.add(path, texts[path])).reads
    return found.rate.is_rare


STEPS = {
    "a module of a name that is imported twice": "import torch.nn as nn\n\n\nclass Net(nn.Module):\n"
    "    def forward(self, x):\n        return read(x)\n",
    "what clips gradients": "import lightning\n\n\nclass Net(lightning.LightningModule):\n"
    "    def configure_gradient_clipping(self, x):\n        return read(x)\n",
    "a method that computes losses": "class Head(nn.Module):\n    def losses(self, x):\n        return read(x)\n",
    "a schedule, counted by hand": "def sample(x, sigmas):\n    step = 0\n    while step < len(sigmas):\n"
    "        x = x * sigmas[step]\n        read(x)\n        step += 1\n",
    "a metric of torchmetrics": "class Mean(torchmetrics.MeanSquaredError):\n    def update(self, x):\n"
    "        read(x)\n",
    "a data loader": "def fit(x):\n    for batch in DataLoader([1]):\n        read(x)\n",
    "a data loader, wrapped": """
def fit(x, xs):
    loader = DataLoader(xs)
    for i, batch in enumerate(tqdm(islice(loader, 10))):
        read(x)
""",
    "a data loader of the object": """
class Fit:
    def __init__(self, xs):
        self.data = DataLoader(xs)

    def run(self, x):
        for batch in self.data:
            read(x)
""",
    "a parameter that is called a loader": "def fit(x, val_loader):\n    for batch in val_loader:\n        read(x)\n",
    "a prepared loader": """
def fit(x, accelerator, xs):
    batches = accelerator.prepare(DataLoader(xs))
    for batch in accelerator.prepare(DataLoader(xs)):
        read(x)
""",
    "a model is called": "def sample(model, x):\n    for i in range(50):\n        x = model(x)\n        read(x)\n",
    "what is made by a class of modules is called": """
def sample(x, images):
    head = nn.Linear(4, 4)
    for image in images:
        head(image)
        read(x)
""",
    "what has parameters is called": """
def sample(x, images, thing):
    thing.zero_grad()
    for image in images:
        thing(image)
        read(x)
""",
    "backward": "def fit(x, losses):\n    for loss in losses:\n        loss.backward()\n        read(x)\n",
    "an optimizer steps": "def fit(x, opt, n):\n    for i in range(n):\n        opt.step()\n        read(x)\n",
    "a scheduler steps": """
def sample(x, scheduler, n):
    for i in range(n):
        x = scheduler.step(x, i).prev_sample
        read(x)
""",
    "decoding, while": "def decode(model, x):\n    while True:\n        x = model(x)\n        read(x)\n",
    "decoding, at most": """
def decode(model, x, max_length):
    for _ in range(max_length):
        x = model(x)
        read(x)
""",
    "the test of a while loop": "def decode(model, x):\n    while read(x) < 3:\n        x = model(x)\n",
    "a comprehension that calls a model": "def decode(model, xs):\n    return [read(model(x)) for x in xs]\n",
    "the top level of a script": "for batch in DataLoader([1]):\n    read(torch.ones(1))\n",
    "forward": "class Net(nn.Module):\n    def forward(self, x):\n        return read(x)\n",
    "called by forward": """
class Net(nn.Module):
    def forward(self, x):
        return self.build_mask(x)

    def build_mask(self, x):
        return read(x)
""",
    "forward through a table": """
TABLE = {"sum": read}


class Net(nn.Module):
    def forward(self, x, kind):
        return TABLE[kind](x)
""",
    "forward, put in its place": "def patch(net):\n    net.forward = read\n",
    "forward, bound and put in its place": "def patch(net):\n    net.forward = types.MethodType(read, net)\n",
    "a closure in the place of forward": """
def patch(net):
    def forward(x):
        return read(x)

    net.forward = forward
""",
    "a function of ComfyUI's sampler, replaced": "def patch():\n    comfy.samplers.sampling_function = read\n",
    "a table of replaced functions": 'PATCHES = [(comfy.samplers, "sampling_function", read)]\n',
    "a callback": "def sample(pipe):\n    pipe(callback_on_step_end=read)\n",
    "a hook": "def watch(net):\n    net.register_forward_hook(read)\n",
    "a solver": "def solve(odeint, x):\n    return odeint(read, x)\n",
    "handed to a function with a loop": """
def solve(function, x, model):
    for i in range(50):
        x = model(x)
        function(x)


def run(x, model):
    solve(read, x, model)
""",
    "handed on": """
def inner(function, x, model):
    for i in range(50):
        x = model(x)
        function(x)


def outer(call, x, model):
    inner(call, x, model)


def run(x, model):
    outer(read, x, model)
""",
    "returned by a function, called in a loop": """
def make(scale):
    def scaled(x):
        return read(x) * scale

    return scaled


def run(x, model):
    scaled = make(2)
    for i in range(50):
        scaled(model(x))
""",
    "an instance that is called in a loop": """
class Reader:
    def __call__(self, x):
        return read(x)


def run(x, model):
    reader = Reader()
    for i in range(50):
        reader(model(x))
""",
    "Lightning": """
class Fit(pytorch_lightning.LightningModule):
    def training_step(self, x):
        return read(x)
""",
    "a batch hook of Lightning": """
class Watch(pytorch_lightning.Callback):
    def on_train_batch_end(self, trainer, module, x):
        return read(x)
""",
    "a metric": "class Sum(torchmetrics.Metric):\n    def update(self, x):\n        return read(x)\n",
    "ComfyUI's guider": """
class Guider(comfy.samplers.CFGGuider):
    def predict_noise(self, x, t):
        return read(x)
""",
    "a wrapper of ComfyUI's model": 'def add(model):\n    model.add_wrapper_with_key("diffusion_model", "k", read)\n',
    "an instance as a wrapper": """
class Wrapper:
    def __call__(self, executor, x):
        return read(x)


def add(model):
    model.add_wrapper("apply_model", Wrapper())
""",
    "a mask function of ComfyUI, by a lambda": """
class Node:
    def forward(self, sigma, mask, extra_options):
        return read(mask)

    def patch(self, model):
        model.set_model_denoise_mask_function(lambda *args: self.forward(*args))
""",
    "one step of training, whoever calls it": """
class Agent:
    def train_on(self, x):
        self.loss(x).backward()
        self.optimizer_G.step()
        return read(x)
""",
    "what one step of training calls": """
def log(x):
    return read(x)


def update(x, optimizers, accumulate, step):
    log(x)
    if step % accumulate == 0:
        optimizers[0].step()
""",
    "a closure that steps": """
def fit(x, n):
    opt = torch.optim.SGD([x], 0.1)

    def step():
        opt.step()
        return read(x)

    return [step() for _ in range(n)]
""",
    "options of ComfyUI's model": "def patched(x, transformer_options):\n    return read(x)\n",
}

CALLS = {
    "once a call": "def run(x):\n    return read(x)\n",
    "a loop that counts images": "def run(x):\n    steps = x.shape[0]\n    for i in range(steps):\n        read(x)\n",
    "a loop over weights": "def run(model, x):\n    for name, p in model.named_parameters():\n        read(p)\n",
    "two passes": "def run(model, x):\n    for i in range(2):\n        x = model(x)\n        read(x)\n",
    "epochs": """
def fit(model, x, loader, epochs):
    for epoch in range(epochs):
        for batch in loader:
            model(batch)
        read(x)
""",
    "a function that makes what it steps": """
def once(x):
    optimizer = torch.optim.SGD([x], 0.1)
    optimizer.step()
    return read(x)
""",
    "a function that trains for long": """
def fit(x, optimizer, batches):
    for batch in batches:
        optimizer.step()
    return read(x)
""",
    "a loop that ends by a number": """
def search(x, n, limit):
    for i in range(n):
        if i * i > limit:
            break
        read(x)
""",
    "a loop that ends by an array": """
def search(x, n, limit):
    import numpy
    for i in range(n):
        if numpy.abs(limit) > 1:
            break
        read(x)
""",
    "a wrapper of a whole sampling": 'def add(model):\n    model.add_wrapper_with_key("outer_sample", "k", read)\n',
    "a method of another class": """
class One:
    def show(self, x):
        return read(x)


class Other(nn.Module):
    def forward(self, x):
        return self.show(x)

    def show(self, x):
        return x
""",
    "a trainer's method of a model's name": """
class Trainer:
    def train(self, x):
        return read(x)

    def one_step(self, model, batches):
        for batch in batches:
            model.train()
            model(batch).sum().backward()
""",
    "filling a schedule": """
class Policy:
    def reset(self, x, ids):
        for i in ids:
            self.timesteps[i] = read(x)
""",
}

THROTTLED = {
    "where something went wrong": "    if done:\n        read(x)\n        logger.warning('done')\n",
    "where numbers are none": "    if math.isnan(every):\n        read(x)\n",
    "where not all numbers are finite": "    if not math.isfinite(every):\n        read(x)\n",
    "every n-th step": "    if step % every == 0:\n        read(x)\n",
    "every n-th step, by a function": "    if divisible_by(step, every):\n        read(x)\n",
    "every n-th step, beside an optimizer": "    self.optimizer.step()\n    if step % every == 0:\n"
    "        self.optimizer.step()\n        read(x)\n",
    "every hundredth step": "    if not (step + 1) % 100:\n        read(x)\n",
    "a flag": "    log_now = step % every == 0\n    if log_now:\n        read(x)\n",
    "all others leave": "    if step % every != 0:\n        continue\n    read(x)\n",
    "rank 0 and more": "    if rank == 0 and every:\n        read(x)\n",
    "a flag of the loop": "    if not done:\n        done = read(x)\n",
    "the first step": "    if step == 0:\n        read(x)\n",
    "debugging": "    if self.debug:\n        read(x)\n",
    "a flag of a trainer": "    if self.control.should_log:\n        read(x)\n",
    "a level of logging": "    if logger.isEnabledFor(10):\n        read(x)\n",
    "a cache is filled": "    if self.kept is None:\n        self.kept = read(x)\n",
    "what a state does not have yet": "    if 'mean' not in x.state:\n        read(x)\n",
    "what is on a disk already": "    if os.path.exists(path):\n        continue\n    read(x)\n",
    "a key of a cache": "    if step not in cache:\n        cache[step] = read(x)\n",
    "the loop ends": "    if done:\n        read(x)\n        break\n",
    "an error": '    if done:\n        raise ValueError(f"{read(x)}")\n',
    "for the last shape": "    if self.size != x.shape:\n        self.size = read(x)\n",
    "for the last device, or none": "    if self.kept is None or x.device != self.at:\n        self.kept = read(x)\n"
    "        self.at = x.device\n",
    "a small chance": "    if random.random() < 0.01:\n        read(x)\n",
    "a loop inside": "    if step % every == 0:\n        for batch in loader:\n            read(x)\n",
}

STEADY = {
    "when an optimizer steps": "    if step % every != 0:\n        continue\n    read(x)\n    self.optimizer.step()\n",
    "where all numbers are finite": "    if math.isfinite(every):\n        read(x)\n",
    "where none is none": "    if not math.isnan(every):\n        read(x)\n",
    "as often as another optimizer steps": "    if step % self.ratio == 0:\n        self.optim_g.step()\n"
    "    if step % self.ratio == 0:\n        read(x)\n",
    "every other step": "    if step % 2 == 0:\n        read(x)\n",
    "a constant of one": "    if step % EVERY == 0:\n        read(x)\n",
    "another value": "    if self.value != every:\n        self.value = read(x)\n",
    "a fair chance": "    if random.random() < 0.5:\n        read(x)\n",
    "a rank alone": "    if rank == 0:\n        read(x)\n",
    "a size that must fit": '    if x.shape[0] % every != 0:\n        raise ValueError("size")\n    read(x)\n',
    "the best so far": "    if best is None or step < best:\n        best = read(x)\n",
}


def _ids(programs: Mapping[str, str]) -> list[object]:
    return [pytest.param(text, id=name) for name, text in programs.items()]


@pytest.mark.parametrize("text", _ids(STEPS))
def test_at_every_step(text: str) -> None:
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, False)


@pytest.mark.parametrize("text", _ids(CALLS))
def test_not_at_every_step(text: str) -> None:
    assert heat_of({"example.py": HEAD + text}) == (Heat.CALL, False)


EVALUATIONS = {
    "a nested function calls the model": """
def decode(x, model):
    def logits():
        return model(x)

    while not done(x):
        x = logits()
        read(x)
""",
    "a loop that ends by what it has computed": """
def solve(x, n):
    for i in range(n):
        error = (x - 1).abs().mean()
        if error < 1e-3:
            break
        x = x / 2
        read(x)
""",
    "a loop that goes on by what it has computed": """
def solve(x):
    while x.max() > 1:
        x = x / 2
        read(x)
""",
    "without gradients": "def score(x, model, loader):\n    with torch.no_grad():\n        for batch in loader:\n"
    "            model(batch)\n            read(x)\n",
    "beside training": "def fit(x, model, loader, others):\n    for batch in loader:\n"
    "        model(batch).sum().backward()\n    with torch.no_grad():\n        for batch in others:\n"
    "            model(batch)\n            read(x)\n",
    "beside training, in its own block": "def fit(x, model, loader, valloader):\n    for batch in loader:\n"
    "        model(batch).sum().backward()\n    for batch in valloader:\n        with torch.no_grad():\n"
    "            model(batch)\n        read(x)\n",
    "what ends a loop inside": "def fit(x, model, loader, scales):\n    for batch in loader:\n"
    "        model(batch).sum().backward()\n        for scale in scales:\n            if scale > 3:\n"
    "                read(x)\n                break\n",
    "once an epoch": "def fit(x, model, loader, epochs):\n    for epoch in range(epochs):\n"
    "        for batch in loader:\n            model(batch).sum().backward()\n        model(x)\n        read(x)\n",
    "evaluated": "def score(x, model, images):\n    model.eval()\n    for image in images:\n"
    "        model(image)\n        read(x)\n",
}


@pytest.mark.parametrize("text", _ids(EVALUATIONS))
def test_at_every_step_but_never_loud(text: str) -> None:
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, True)


LIKELY = {
    "the frames of a video": "def show(x, video):\n    for frame in video:\n        read(x)\n",
    "one process of many": "def fit(x, model, loader, rank, done):\n    for batch in loader:\n        model(batch)\n"
    "        if not done and rank == 0:\n            read(x)\n",
    "batches, by name": "def score(x, stream):\n    for batch in stream:\n        read(x)\n",
    "what gives batches, by name": "def score(x, valid_iter):\n    for part in valid_iter:\n        read(x)\n",
    "the next batch": "def score(x, batches):\n    for i in range(9):\n        next(batches)\n        read(x)\n",
    "a function that takes a batch": "def update(x, batches):\n    part = next(batches)\n    return read(x)\n",
    "a function that goes backward": "def update(x, loss):\n    loss.backward()\n    return read(x)\n",
    "a function that computes a loss": "def mean_loss(x):\n    return read(x)\n",
    "a function that returns a loss": "def assess(x, y):\n    loss = x - y\n    return loss, {'loss': read(x)}\n",
    "a closure that returns a loss": "def fit(x, y):\n    def closure():\n        loss = x - y\n"
    "        read(x)\n        return loss\n\n    minimise(closure)\n",
    "every n-th batch that is taken": "def update(x, batches, step, every):\n    if step % every != 0:\n"
    "        return\n    part = next(batches)\n    read(x)\n",
    "what the caller left out": "class Net(nn.Module):\n    def forward(self, x, size=None):\n"
    "        if size is None:\n            size = read(x)\n        return x[:size]\n",
    "a generator whose items are taken at steps": """
def merged(x, parts):
    for part in parts:
        yield read(x)


def fit(x, model, parts):
    for part in merged(x, parts):
        model(part)
""",
    "the forward of a model of a library": """
from library.models import BigModel


class Mine(BigModel):
    def forward(self, x):
        return read(x)
""",
    "an attribute whose last word is the class": """
class Matcher:
    def __call__(self, x):
        return read(x)


class Net(nn.Module):
    def forward(self, x):
        return self.anchor_matcher(x)
""",
    "an attribute that is called like the class": """
class FewReads:
    def __call__(self, x):
        return read(x)


class Net(nn.Module):
    def forward(self, x):
        return self.few_reads(x)
""",
}
UNLIKELY = {
    "the loss of an epoch": "def assess(x, model, loader):\n    total_loss = sum(model(b) for b in loader)\n"
    "    read(x)\n    return total_loss\n",
    "a loss that is given": "def show(x, loss):\n    read(x)\n    return loss\n",
    "the items of a batch": "def show(x, batch):\n    for item in batch:\n        read(x)\n",
    "the first batch, of its own": "def show(x, parts):\n    it = iter(parts)\n    next(it)\n    return read(x)\n",
    "a generator beside steps": """
def merged(x, parts):
    for part in parts:
        yield read(x)


def show(x, parts):
    return list(merged(x, parts))
""",
}


@pytest.mark.parametrize("text", _ids(LIKELY))
def test_likely_at_every_step_and_never_loud(text: str) -> None:
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, True)


@pytest.mark.parametrize("text", _ids(UNLIKELY))
def test_not_likely_at_every_step(text: str) -> None:
    assert heat_of({"example.py": HEAD + text}) == (Heat.CALL, False)


RARE = {
    "before the loop over steps": "def sample(x, model):\n    read(x)\n    for i in range(50):\n        x = model(x)\n",
    "after it": "def sample(x, model):\n    for i in range(50):\n        x = model(x)\n    return read(x)\n",
    "once an epoch": "def fit(x, model, loader):\n    for epoch in range(9):\n        for batch in loader:\n"
    "            model(batch)\n        read(x)\n",
    "called before it": "def sample(x, model):\n    start(x)\n    for i in range(50):\n        x = model(x)\n\n\n"
    "def start(x):\n    return read(x)\n",
    "a data set": "class Images(torch.utils.data.Dataset):\n    def __getitem__(self, x):\n        return read(x)\n",
    "called by a data set": "class Images(torch.utils.data.Dataset):\n    def __getitem__(self, x):\n"
    "        return start(x)\n\n\ndef start(x):\n    return read(x)\n",
    "every n-th call": "def draw(x, step, every, epoch):\n    if epoch is None:\n        if step % every:\n"
    "            return\n    read(x)\n\n\ndef fit(x, model, loader):\n    for step, batch in enumerate(loader):\n"
    "        model(batch)\n        draw(x, step, 9, None)\n",
}
OFTEN = {
    "in the loop over steps": "def sample(x, model):\n    for i in range(50):\n        x = model(x)\n        read(x)\n",
    "beside a loop that is a part of a step": """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(4, 4)

    def forward(self, x):
        for part in x:
            part = self.cell(part)
        return read(x)
""",
    "a flag that every call sets anew": "class Net(nn.Module):\n    def forward(self, x):\n        done = False\n"
    "        if not done:\n            read(x)\n            done = True\n        return x\n",
    "in another loop": "def sample(x, model, others):\n    for i in range(50):\n        x = model(x)\n"
    "    for other in others:\n        read(x)\n",
    "in a callback at steps": "def callback(x, model):\n    for i in range(9):\n        x = model(x)\n    read(x)\n\n\n"
    "def patch(m):\n    m.set_model_sampler_post_cfg_function(callback)\n",
    "in steps of its own, beside others": "def fit(x, model):\n    sample(x, model)\n    for i in range(50):\n"
    "        x = model(x)\n\n\ndef sample(x, model):\n    for i in range(50):\n        x = model(x)\n        read(x)\n",
    "called in it, too": "def sample(x, model):\n    start(x)\n    for i in range(50):\n        x = model(x)\n"
    "        start(x)\n\n\ndef start(x):\n    return read(x)\n",
}


@pytest.mark.parametrize("text", _ids(RARE))
def test_what_is_rare(text: str) -> None:
    assert is_rare({"example.py": HEAD + text})


@pytest.mark.parametrize("text", _ids(OFTEN))
def test_what_is_not(text: str) -> None:
    assert not is_rare({"example.py": HEAD + text})


def test_tests_are_rare_and_make_nothing_so() -> None:
    text = "import torch\n\n\ndef read(x: torch.Tensor):\n    return x.sum().item()\n"
    test = "from example import read\n\n\ndef test_read():\n    read(x)\n"
    assert not is_rare({"example.py": text, "test_example.py": test})
    assert is_rare({"test_example.py": text + test}, "test_example.py")
    assert is_rare({"tests/helpers.py": "import pytest\n" + text}, "tests/helpers.py")
    assert not is_rare({"test_example.py": text}, "test_example.py"), "a script, nothing for pytest"


def test_an_epoch_is_no_step() -> None:
    text = "def fit(x, scheduler, epochs):\n    while epochs > 0:\n        scheduler.step()\n        read(x)\n"
    assert heat_of({"example.py": HEAD + text}) == (Heat.CALL, False)
    assert heat_of({"example.py": HEAD + text.replace("step()", "step(validation_loss)")}) == (Heat.CALL, False)


def test_what_the_constructor_keeps_may_do_a_step() -> None:
    text = "class Renderer:\n    def __init__(self, net):\n        self.net = net.eval()\n\n"
    text += "    def render(self, x):\n        return self.net(x)\n\n\n"
    text += "class Runner:\n    def __init__(self, net):\n        self.renderer = Renderer(net)\n\n"
    text += "    def show(self, rays):\n        for x in zip(rays, rays):\n            read(self.renderer.render(x))\n"
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, True), "for hints alone"


def _in_loop(body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    start = "def fit(self, x, model, loader, every, rank, logger, cache, done, best):\n"
    return f"{HEAD}EVERY = 1\n\n\n{start}    for step, batch in enumerate(loader):\n        model(batch)\n{lines}"


@pytest.mark.parametrize("body", _ids(THROTTLED))
def test_throttled(body: str) -> None:
    heat, throttled = heat_of({"example.py": _in_loop(body)})
    assert throttled or heat is Heat.CALL


@pytest.mark.parametrize("body", _ids(STEADY))
def test_not_throttled(body: str) -> None:
    assert heat_of({"example.py": _in_loop(body)}) == (Heat.STEP, False)


def test_a_phase_of_training_that_is_rare() -> None:
    text = """
def learn(x, memories, optimizer):
    for batch in DataLoader(memories):
        optimizer.step()
        read(x)


def act(x, model, env, memories, optimizer, every):
    for step in range(100):
        env.step(model(x))
        if step % every == 0:
            learn(x, memories, optimizer)
"""
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, False)
    checked = text.replace("        optimizer.step()\n", "")
    assert heat_of({"example.py": HEAD + checked}) == (Heat.STEP, True), "it may only look at what is learnt"


def test_what_a_button_calls() -> None:
    text = "def show(gui, x):\n    gui.add_button(label='save', callback=read)\n"
    assert heat_of({"example.py": HEAD + text})[0] is not Heat.STEP


def test_layers() -> None:
    text = """
class Block(nn.Module):
    def forward(self, x):
        return read(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block() for _ in range(3)])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x
"""
    assert heat_of({"example.py": HEAD + text}) == (Heat.LAYER, False)


@pytest.mark.parametrize(
    ("parameter", "heat"),
    [("extra_options", Heat.LAYER), ("extra_options=''", Heat.CALL), ("extra_options: str", Heat.CALL)],
)
def test_a_parameter_of_callbacks_that_is_no_text(parameter: str, heat: Heat) -> None:
    assert heat_of({"example.py": f"{HEAD}def attend(x, {parameter}):\n    return read(x)\n"}) == (heat, False)
    node = "class Node:\n    RETURN_TYPES = ()\n    FUNCTION = 'attend'\n\n"
    node += f"    def attend(self, x, {parameter}):\n        return read(x)\n"
    assert heat_of({"example.py": HEAD + node}) == (Heat.CALL, False)


def test_a_loop_over_layers() -> None:
    text = """
class Net(nn.Module):
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
            read(x)
        return x
"""
    assert heat_of({"example.py": HEAD + text}) == (Heat.LAYER, False)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("return [part.item() for part in x]", id="comprehension"),
        pytest.param("for part in x:\n        float(part)", id="loop"),
        pytest.param("for i in range(len(x)):\n        int(x[i])", id="index"),
        pytest.param("for i, part in enumerate(x):\n        int(part)", id="enumerate"),
        pytest.param("for part, n in zip(x, range(4)):\n        int(part)", id="zip"),
        pytest.param("for value, place in zip(*x.topk(2)):\n        int(value)", id="zip of parts"),
        pytest.param("return max(x)", id="max"),
    ],
)
def test_elements(body: str) -> None:
    text = f'import torch\n\n\ndef reads():\n    x = torch.ones(4, device="cuda:0")\n    {body}\n'
    assert heat_of({"example.py": text}) == (Heat.ELEMENT, False)


@pytest.mark.parametrize(
    ("imported", "called"),
    [
        pytest.param("from example import read", "read(x)", id="a function"),
        pytest.param("from .example import read", "read(x)", id="relative"),
        pytest.param("import example", "example.read(x)", id="the module"),
        pytest.param("from . import example", "example.read(x)", id="the module, relative"),
        pytest.param("from example import *", "read(x)", id="all"),
    ],
)
def test_called_in_another_file(imported: str, called: str) -> None:
    loop = f"{imported}\n\n\ndef sample(model, x):\n    for i in range(50):\n        x = model(x)\n        {called}\n"
    assert heat_of({"example.py": HEAD, "loop.py": loop}) == (Heat.STEP, False)


def test_a_method_of_a_model_that_texts_have_too() -> None:
    text = HEAD + "class Net(nn.Module):\n    def decode(self, x):\n        return read(x)\n"
    loop = "def fit(x, model, loader):\n    for batch in loader:\n        {}.decode(batch)\n"
    assert heat_of({"example.py": text, "loop.py": loop.format("self.model")}) == (Heat.STEP, True)
    assert heat_of({"example.py": text, "loop.py": loop.format("tokenizer")}) == (Heat.CALL, False)


def test_a_method_that_one_class_alone_has() -> None:
    text = HEAD + "class Reader:\n    def take_reading(self, x):\n        return read(x)\n"
    loop = "def sample(model, x, reader):\n    for i in range(50):\n        reader.take_reading(model(x))\n"
    assert heat_of({"example.py": text, "loop.py": loop}) == (Heat.STEP, False)
    other = "class Other:\n    def take_reading(self, x):\n        return x\n"
    assert heat_of({"example.py": text, "loop.py": loop, "other.py": other}) == (Heat.STEP, True)  # it may be that one
    many = {f"other{n}.py": other for n in range(20)}
    assert heat_of({"example.py": text, "loop.py": loop, **many}) == (Heat.CALL, False)


ONE_STEP = "def one_step(model, x):\n    return model(x)\n\n\n"
THROUGH_FUNCTIONS = {
    "a function": ONE_STEP
    + "def sample(x, model, n):\n    for i in range(n):\n        one_step(model, x)\n        read(x)\n",
    "two functions": ONE_STEP
    + "def outer_step(model, x):\n    return one_step(model, x)\n\n\n"
    + "def sample(x, model):\n    while True:\n        outer_step(model, x)\n        read(x)\n",
    "a method": "class Trainer:\n    def train_batch(self, x):\n        loss = self.net(x)\n        loss.backward()\n\n"
    "    def fit(self, x):\n        for i in range(len(x)):\n            self.train_batch(x)\n            read(x)\n",
}


@pytest.mark.parametrize("text", _ids(THROUGH_FUNCTIONS))
def test_a_step_in_a_function_is_never_loud(text: str) -> None:
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, True)


def test_a_function_with_a_loop_over_steps_is_no_step() -> None:
    inner = "def run(model, x):\n    for t in range(50):\n        x = model(x)\n    return x\n\n\n"
    text = inner + "def main_loop(x, model, prompts):\n    for p in prompts:\n        run(model, x)\n        read(x)\n"
    assert heat_of({"example.py": HEAD + text}) == (Heat.CALL, False)


def test_a_closure_that_another_file_calls() -> None:
    text = HEAD + "def make():\n    def scaled(x):\n        return read(x)\n\n    return scaled\n"
    loop = "import example\n\n\ndef run(x, model):\n    f = example.make()\n    while True:\n        f(model(x))\n"
    assert heat_of({"example.py": text, "loop.py": loop}) == (Heat.STEP, False)


@pytest.mark.parametrize("name", ["create_mask", "build_mask", "setup_mask"])
def test_a_name_does_not_cool_what_steps_call(name: str) -> None:
    text = f"def {name}(x):\n    return read(x)\n\n\ndef run(model, x):\n    while True:\n        {name}(model(x))\n"
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, False)


def test_throttled_on_one_way_only() -> None:
    text = """
def validate(model, loader, x):
    for batch in loader:
        model(batch)
        read(x)


def fit(model, loader, x, every):
    for step, batch in enumerate(loader):
        model(batch)
        if step % every == 0:
            validate(model, loader, x)
"""
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, True)
    text += "\n\ndef test(model, loader, x):\n    validate(model, loader, x)\n"
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, False)


COMPUTING = {
    "a loop that computes": "def search(x, n):\n    for i in range(n):\n"
    "        x = torch.clamp(x, -i, i)\n        read(x)\n",
    "by a function of the tree": "def half(x):\n    return torch.clamp(x, 0, 1)\n\n\n"
    "def search(x, ratios):\n    for ratio in ratios:\n        half(x)\n        read(x)\n",
    "what its loops call": "class Search:\n    def test(self, x):\n        read(torch.abs(x))\n\n"
    "    def run(self, x, layers):\n        for layer in layers:\n            self.test(layer)\n",
}
NOT_COMPUTING = {
    "a loader's": "def load_all(x, paths):\n    for path in paths:\n        torch.clamp(x, 0, 1)\n        read(x)\n",
    "of files": "def convert(x, paths):\n    for path in paths:\n        torch.load(path)\n        read(x)\n",
    "a few rounds": "def pair(x):\n    for i in range(2):\n        torch.clamp(x, 0, i)\n        read(x)\n",
    "a node's": "class Blur:\n    RETURN_TYPES = ('IMAGE',)\n    FUNCTION = 'blur'\n\n"
    "    def blur(self, x, images):\n        for image in images:\n"
    "            torch.clamp(image, 0, 1)\n            read(x)\n",
    "over weights": "def look(x, net):\n    for p in net.parameters():\n"
    "        torch.clamp(p, 0, 1)\n        read(x)\n",
}


@pytest.mark.parametrize("text", _ids(COMPUTING))
def test_loops_that_compute_are_hot_for_hints(text: str) -> None:
    assert heat_of({"example.py": HEAD + text}) == (Heat.STEP, True)


@pytest.mark.parametrize("text", _ids(NOT_COMPUTING))
def test_other_loops_are_not_hot(text: str) -> None:
    assert heat_of({"example.py": HEAD + text})[0].rank < Heat.STEP.rank
