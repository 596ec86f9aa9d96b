"""Networks as PyTorch's tutorials and examples have them, written anew and made small."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from lowered.case import CLASSES, Case, classes, classified

WORDS, PAD = 40, 0


def words(*shape: int) -> Tensor:
    return torch.randint(1, WORDS, shape)


def mlp():
    layers = [nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()]
    return (
        nn.Sequential(*layers, nn.Linear(32, CLASSES)),
        classified,
        (
            torch.randn(4, 1, 8, 8),
            classes(),
        ),
    )


def cnn():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3),
        nn.ReLU(),
        nn.Dropout2d(0.2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(16, CLASSES),
    )
    return model, classified, (torch.randn(4, 3, 16, 16), classes())


class NameRNN(nn.Module):
    """The names of a language, letter by letter, with a cell written by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.i2h = nn.Linear(26 + 16, 16)
        self.h2o = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.zeros(x.shape[0], 16)
        for letter in x.unbind(1):
            hidden = torch.tanh(self.i2h(torch.cat([letter, hidden], dim=1)))
        return F.log_softmax(self.h2o(hidden), dim=1)


def name_rnn():
    def loss(module, x, y):
        return F.nll_loss(module(x), y)

    return NameRNN(), loss, (F.one_hot(torch.randint(26, (4, 7)), 26).float(), classes())


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, 16, padding_idx=PAD)
        self.lstm = nn.LSTM(16, 8, 2, bidirectional=True, batch_first=True, dropout=0.3)
        self.out = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.lstm(self.words(x))[0])


def lstm_tagger():
    def loss(module, x, y):
        return F.cross_entropy(module(x).transpose(1, 2), y, ignore_index=4)

    return Tagger(), loss, (words(4, 9), torch.randint(5, (4, 9)))


class Attention(nn.Module):
    """Bahdanau's."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.query, self.key = nn.Linear(size, size), nn.Linear(size, size)
        self.score = nn.Linear(size, 1)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        scores = self.score(torch.tanh(self.query(query) + self.key(keys)))
        return torch.bmm(F.softmax(scores.transpose(1, 2), dim=-1), keys)


class Translator(nn.Module):
    """GRUs with attention; the decoder is told the last word."""

    def __init__(self, size: int = 16) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(WORDS, size), nn.Embedding(WORDS, size)
        self.encoder = nn.GRU(size, size, batch_first=True)
        self.decoder = nn.GRU(2 * size, size, batch_first=True)
        self.attention, self.out = Attention(size), nn.Linear(size, WORDS)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        keys, hidden = self.encoder(self.dropout(self.source(x)))
        outputs = []
        for place in range(y.shape[1]):
            context = self.attention(hidden.permute(1, 0, 2), keys)
            told = self.dropout(self.target(y[:, place : place + 1]))
            output, hidden = self.decoder(torch.cat((told, context), dim=2), hidden)
            outputs.append(self.out(output))
        return F.log_softmax(torch.cat(outputs, dim=1), dim=-1)


def seq2seq():
    def loss(module, x, y):
        return F.nll_loss(module(x, y[:, :-1]).reshape(-1, WORDS), y[:, 1:].reshape(-1))

    return Translator(), loss, (words(3, 6), words(3, 6))


class WordLSTM(nn.Module):
    """A word language model whose output shares the embedding's weights."""

    def __init__(self, size: int = 16) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.encoder = nn.Embedding(WORDS, size)
        self.rnn = nn.LSTM(size, size, 2, dropout=0.2)
        self.decoder = nn.Linear(size, WORDS)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.drop(self.rnn(self.drop(self.encoder(x)))[0]))


def language_loss(module, x, y):
    return F.cross_entropy(module(x).reshape(-1, WORDS), y.reshape(-1))


def word_lstm():
    return WordLSTM(), language_loss, (words(9, 4), words(9, 4))


class WordTransformer(nn.Module):
    def __init__(self, size: int = 16, length: int = 12) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(size, 2, 32, dropout=0.2)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.words, self.out = nn.Embedding(WORDS, size), nn.Linear(size, WORDS)
        place = torch.arange(length).unsqueeze(1) / 10000 ** (torch.arange(0, size, 2) / size)
        waves = torch.stack([place.sin(), place.cos()], dim=2).reshape(length, 1, size)
        self.register_buffer("place", waves)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(len(x))
        h = self.words(x) * self.size**0.5 + self.place[: len(x)]
        return self.out(self.encoder(h, mask))


def word_transformer():
    return WordTransformer(), language_loss, (words(9, 4), words(9, 4))


class Translated(nn.Module):
    """`nn.Transformer`, with masks of padding."""

    def __init__(self, size: int = 16) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, size)
        self.transformer = nn.Transformer(size, 2, 1, 1, 32, batch_first=True)
        self.out = nn.Linear(size, WORDS)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        later = nn.Transformer.generate_square_subsequent_mask(y.shape[1])
        padding = (x == PAD).float() * -1e9
        h = self.transformer(
            self.words(x),
            self.words(y),
            tgt_mask=later,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        return self.out(h)


def translation():
    def loss(module, x, y):
        output = module(x, y[:, :-1]).reshape(-1, WORDS)
        return F.cross_entropy(output, y[:, 1:].reshape(-1), ignore_index=PAD)

    x, y = words(3, 6), words(3, 7)
    x[:, 4:], y[0, 5:] = PAD, PAD
    return Translated(), loss, (x, y)


class Padded(nn.Module):
    """A GRU that stops at each sentence's end: packed sequences, in Python's lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.gru = nn.Embedding(WORDS, 8), nn.GRU(8, 8, batch_first=True)
        self.out = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            self.words(x), lengths, batch_first=True, enforce_sorted=False
        )
        return self.out(self.gru(packed)[1][-1])


def packed_gru():
    def loss(module, x, lengths, y):
        return F.cross_entropy(module(x, lengths), y)

    return Padded(), loss, (words(4, 7), torch.tensor([7, 3, 5, 2]), classes())


class NewsClassifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.out = nn.EmbeddingBag(WORDS, 16), nn.Linear(16, 4)

    def forward(self, text: Tensor, offsets: Tensor) -> Tensor:
        return self.out(self.embedding(text, offsets))


def news():
    def loss(module, text, offsets, y):
        return F.cross_entropy(module(text, offsets), y)

    return NewsClassifier(), loss, (words(20), torch.tensor([0, 5, 9, 16]), classes(among=4))


TUTORIALS = [
    Case("MLP", "tutorial", mlp),
    Case("CNN, batch norm and dropout", "tutorial", cnn),
    Case("Names, RNN by hand", "tutorial", name_rnn),
    Case("Tagger, LSTM both ways", "tutorial", lstm_tagger),
    Case("Translation, GRU with attention", "tutorial", seq2seq),
    Case("Word language model, LSTM, tied", "tutorial", word_lstm),
    Case("Word language model, transformer", "tutorial", word_transformer),
    Case("Translation, nn.Transformer", "tutorial", translation),
    Case("Classifier, GRU, packed sequences", "tutorial", packed_gru),
    Case("News, embedding bag", "tutorial", news),
]
